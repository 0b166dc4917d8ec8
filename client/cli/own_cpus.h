// OwnCpus: where this process, and what it starts, may run so that it is no part of what it looks at.
#ifndef HFTMON_CLIENT_CLI_OWN_CPUS_H_
#define HFTMON_CLIENT_CLI_OWN_CPUS_H_

#include <cstdint>
#include <vector>

namespace hftmon {

// The CPUs of this thread's mask without those; none: nothing is left, or nothing was to be kept free.
std::vector<int> OtherCpus(const std::vector<int>& kept_free);

// Keeps this thread, and the threads that it makes meanwhile, off those CPUs for as long as the object lives, where there are others and
// the kernel lets it. One thread.
class KeptOff {
 public:
  explicit KeptOff(const std::vector<int>& cpus);
  ~KeptOff();
  KeptOff(const KeptOff&) = delete;
  KeptOff& operator=(const KeptOff&) = delete;

 private:
  std::vector<int> former_;  // empty: nothing was changed
};

// The CPUs that threads of these processes are bound to, of those alone that are bound to fewer than are online. Ids as this process sees
// them; what cannot be asked for is left out.
std::vector<int> CpusOfBoundThreads(const std::vector<int32_t>& pids);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_OWN_CPUS_H_
