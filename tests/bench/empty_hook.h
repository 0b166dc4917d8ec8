// EmptyHook: empty programs at the hooks that the daemon uses: the floor of every way to watch them. In force between the constructor
// and the destructor.
#ifndef HFTMON_TESTS_BENCH_EMPTY_HOOK_H_
#define HFTMON_TESTS_BENCH_EMPTY_HOOK_H_

#include <string>
#include <vector>

struct bpf_link;
struct empty_hook_bpf;

namespace hftmon::testing {

// Among the tracepoints: the kernel's software event of that name, on every CPU.
inline constexpr char kMinorFaultEvent[] = "perf_event";

class EmptyHook {
 public:
  // `tracepoints` have a program in empty_hook.bpf.c. Aborts when one cannot be attached: without the floor nothing can be compared.
  explicit EmptyHook(const std::vector<std::string>& tracepoints);
  ~EmptyHook();
  EmptyHook(const EmptyHook&) = delete;
  EmptyHook& operator=(const EmptyHook&) = delete;

 private:
  bool AttachToMinorFaults();

  empty_hook_bpf* hook_;
  std::vector<bpf_link*> event_links_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_BENCH_EMPTY_HOOK_H_
