// RemoteMemoryInjection: the engine reads memory of another NUMA node, one dependent load after another, until the injection's length
// has passed. Refused where there is one node.
//
// Reads: /sys/devices/system/node/{has_memory,nodeN/cpulist} below `sys_root`.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_REMOTE_MEMORY_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_REMOTE_MEMORY_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/examples/order_book/injections/mapped_memory.h"
#include "client/examples/order_book/injections/own_injection.h"

namespace hftmon::order_book {

// A node with memory that is not that of `cpu`, the lowest. FAILED_PRECONDITION when there is none.
absl::StatusOr<int> RemoteNode(const std::string& sys_root, int cpu);

class RemoteMemoryInjection final : public OwnInjection {
 public:
  static constexpr size_t kBytes = size_t{64} << 20;  // more than a core's caches hold of it

  using OwnInjection::OwnInjection;

  absl::Status Prepare() override;
  nlohmann::json Detail(const LinearConversion&) const override { return {{"node", node_}, {"load_count", load_count_}}; }

 protected:
  void Disturb(uint64_t end_tsc) override;

 private:
  MappedMemory memory_;
  int node_ = -1;
  uint64_t at_ = 0;  // line that is read next
  uint64_t load_count_ = 0;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_REMOTE_MEMORY_H_
