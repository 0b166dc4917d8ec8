// CheckScope: which threads and CPUs the modules judge.
//
// Threads: those that the user named (-t); else, of the processes, those that are bound to fewer CPUs than are online, which is how a hot
// thread shows; else all of them. With --cpus and no process: those that may run on these CPUs alone. CPUs: --cpus; else those that the
// judged threads are bound to; else none, and what is counted by CPU has no value.
#ifndef HFTMON_CLIENT_CHECK_CHECK_SCOPE_H_
#define HFTMON_CLIENT_CHECK_CHECK_SCOPE_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "client/check/check_inputs.h"

namespace hftmon {

struct JudgedThread {
  int32_t tid = 0;
  int32_t pid = 0;
  std::string comm;
  std::string cpus_allowed;  // "2-5"; empty: not known
  bool bound = false;        // to fewer CPUs than are online
  bool ran = false;          // had a CPU for some of the time
};

struct CheckScope {
  std::vector<JudgedThread> threads;  // by tid
  std::set<int> cpus;
  bool by_process = false;            // a process was named: threads are judged
  int64_t left_out_thread_count = 0;  // threads of the processes that are not judged because others are bound
  std::string threads_unknown;        // why the threads are not known; else empty

  bool Judges(int32_t tid) const;
  bool JudgesCpu(int cpu) const { return cpus.contains(cpu); }
  // Whether an event of that thread on that CPU belongs to what is checked.
  bool Covers(int32_t tid, int cpu) const { return by_process ? Judges(tid) : JudgesCpu(cpu); }
};

CheckScope ScopeOf(const CheckInputs& inputs);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_CHECK_SCOPE_H_
