// AllocationInjection: the engine allocates blocks of 1 MiB with malloc, touches them and frees them, until the injection's length has
// passed: mmap, page faults and munmap each time, as an allocator does above its threshold.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_ALLOCATION_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_ALLOCATION_H_

#include <malloc.h>

#include <cstdlib>

#include "client/examples/order_book/injections/own_injection.h"

namespace hftmon::order_book {

class AllocationInjection final : public OwnInjection {
 public:
  static constexpr size_t kBlockBytes = size_t{1} << 20;

  using OwnInjection::OwnInjection;

  absl::Status Prepare() override {
    // Set, it no longer grows with what is freed: every block goes to the kernel and back, not the first alone.
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    return absl::OkStatus();
  }
  nlohmann::json Detail(const LinearConversion&) const override {
    return {{"block_count", block_count_}, {"block_bytes", kBlockBytes}, {"failed_count", failed_count_}};
  }

 protected:
  void Disturb(uint64_t end_tsc) override {
    do {
      auto* block = static_cast<volatile char*>(std::malloc(kBlockBytes));
      if (block == nullptr) {
        ++failed_count_;
        return;
      }
      for (size_t at = 0; at < kBlockBytes && ReadTsc() < end_tsc; at += 4'096) block[at] = 1;
      std::free(const_cast<char*>(block));
      ++block_count_;
    } while (ReadTsc() < end_tsc);
  }

 private:
  uint64_t block_count_ = 0;
  uint64_t failed_count_ = 0;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_ALLOCATION_H_
