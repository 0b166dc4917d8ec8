// EmptyHook: empty programs at the tracepoints that the daemon uses: the floor of every way to watch them. In force between the constructor
// and the destructor.
#ifndef HFTMON_TESTS_BENCH_EMPTY_HOOK_H_
#define HFTMON_TESTS_BENCH_EMPTY_HOOK_H_

#include <string>
#include <vector>

struct empty_hook_bpf;

namespace hftmon::testing {

class EmptyHook {
 public:
  // `tracepoints` have a program in empty_hook.bpf.c. Aborts when one cannot be attached: without the floor nothing can be compared.
  explicit EmptyHook(const std::vector<std::string>& tracepoints);
  ~EmptyHook();
  EmptyHook(const EmptyHook&) = delete;
  EmptyHook& operator=(const EmptyHook&) = delete;

 private:
  empty_hook_bpf* hook_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_BENCH_EMPTY_HOOK_H_
