// Session: how a workload and the test that started it take turns.
//
// Alone, a workload acts at once, prints its result (one JSON object on one line) and ends. With --interactive it first prints what it is
// ({"ready":true,"pid":…} and whatever it adds), waits for a line on stdin, acts, prints its result, and waits for one more line with all
// its threads blocked, so that its counts in /proc stand still while the test reads them. The end of stdin counts as a line: no workload
// outlives its test.
#ifndef HFTMON_TESTS_WORKLOADS_SESSION_H_
#define HFTMON_TESTS_WORKLOADS_SESSION_H_

#include <nlohmann/json.hpp>
#include <string>

namespace hftmon::workload {

class Session {
 public:
  explicit Session(bool interactive) : interactive_(interactive) {}

  // Announces the workload and waits for the word to begin.
  void Ready(nlohmann::json about);
  // Prints the result and waits for the word to end, or to go on: the next line, as Wait.
  std::string Result(nlohmann::json result);
  // The next line from the test; empty at the end of stdin, or at once when not interactive.
  std::string Wait();
  bool interactive() const { return interactive_; }

 private:
  bool interactive_;
};

}  // namespace hftmon::workload

#endif  // HFTMON_TESTS_WORKLOADS_SESSION_H_
