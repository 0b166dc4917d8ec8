// What QueryMemory tells of one process, for tests that need one part of it.
#ifndef HFTMON_TESTS_PRIVILEGED_MEMORY_ANSWER_H_
#define HFTMON_TESTS_PRIVILEGED_MEMORY_ANSWER_H_

#include <gtest/gtest.h>
#include <sys/types.h>

#include <string>

#include "tests/privileged/harness/daemon_under_test.h"

namespace hftmon::testing {

// Empty where the answer does not have it.
inline v1::ThreadMemory MemoryOfThread(const DaemonUnderTest& daemon, pid_t pid, pid_t tid) {
  v1::QueryMemoryRequest request;
  request.add_pids(pid);
  request.add_tids(tid);
  const auto answer = daemon.client().QueryMemory(request);
  EXPECT_TRUE(answer.ok()) << answer.status();
  return answer.ok() && answer->threads_size() == 1 ? answer->threads(0) : v1::ThreadMemory();
}

// Why that part is not told here; empty: it is.
inline std::string MissingPartOfMemory(const DaemonUnderTest& daemon, pid_t pid, const std::string& name) {
  v1::QueryMemoryRequest request;
  request.add_pids(pid);
  const auto answer = daemon.client().QueryMemory(request);
  EXPECT_TRUE(answer.ok()) << answer.status();
  if (!answer.ok()) return "";
  for (const v1::UnavailablePart& part : answer->unavailable()) {
    if (part.part() == name) return part.reason();
  }
  return "";
}

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_MEMORY_ANSWER_H_
