// PageFaultsInjection: the engine touches fresh pages, one after another, until the injection's length has passed: a minor fault each.
// Bound: kBytes of memory; when it is used up the injection that needs more gives all of it back first (madvise), within its own time.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_PAGE_FAULTS_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_PAGE_FAULTS_H_

#include "client/examples/order_book/injections/mapped_memory.h"
#include "client/examples/order_book/injections/own_injection.h"

namespace hftmon::order_book {

class PageFaultsInjection final : public OwnInjection {
 public:
  static constexpr size_t kBytes = size_t{64} << 20;

  using OwnInjection::OwnInjection;

  absl::Status Prepare() override { return memory_.Map(kBytes); }
  nlohmann::json Detail(const LinearConversion&) const override {
    return {{"page_count", page_count_}, {"given_back_count", given_back_count_}, {"address", reinterpret_cast<uintptr_t>(memory_.data())}};
  }

 protected:
  void Disturb(uint64_t end_tsc) override {
    do {
      if (used_ == memory_.bytes()) {
        madvise(memory_.data(), memory_.bytes(), MADV_DONTNEED);
        used_ = 0;
        ++given_back_count_;
      }
      *static_cast<volatile std::byte*>(memory_.data() + used_) = std::byte{1};
      used_ += page_bytes_;
      ++page_count_;
    } while (ReadTsc() < end_tsc);
  }

 private:
  const size_t page_bytes_ = MappedMemory::PageBytes();
  MappedMemory memory_;
  size_t used_ = 0;
  uint64_t page_count_ = 0;  // touched for the first time: as many faults
  uint64_t given_back_count_ = 0;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_PAGE_FAULTS_H_
