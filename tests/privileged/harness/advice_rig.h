// AdviceRig: asks a daemon for the advice of one rule, as a user would, and follows it: the window that begins with a moment, the command
// that the advice gives, its undo. For tests that inject a cause, see the rule speak, run the command and see it silent.
//
// A question names its rule: on a host where compilers run, other rules speak. Nothing here sleeps blindly: an answer is asked for again
// until it is there, with a limit that only bounds a failure. Owned by one thread; the daemon outlives it.
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_ADVICE_RIG_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_ADVICE_RIG_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/privileged/harness/daemon_under_test.h"

namespace hftmon::testing {

class AdviceRig {
 public:
  struct Question {
    std::string rule;
    std::vector<pid_t> pids;  // targets; empty: all
    int64_t since_ns = 0;     // CLOCK_MONOTONIC (workload::NowNs): the window begins no earlier
    bool audit = false;       // rules about settings too
    bool look_at_memory = false;
  };
  using Match = std::function<bool(const v1::Recommendation&)>;

  // Facts of sums begin with the first of the daemon's snapshots in the window, one a second.
  static constexpr int64_t kQuietNs = 2'000'000'000;
  static constexpr int64_t kLimitNs = 30'000'000'000;

  explicit AdviceRig(const DaemonUnderTest* daemon) : daemon_(daemon) {}

  // Once, as it is now.
  absl::StatusOr<v1::RecommendResponse> Ask(const Question& question) const;
  // As soon as the rule is judged in a window of at least `span_ns` since `since_ns`: what happens from now on is in the next answers, and
  // silence says something. DEADLINE_EXCEEDED names why it was not judged.
  absl::StatusOr<v1::RecommendResponse> AskWhenJudged(const Question& question, int64_t span_ns = 0) const;
  // As soon as there is advice that fits. NOT_FOUND has the last answer in it.
  absl::StatusOr<v1::Recommendation> AwaitAdvice(const Question& question, const Match& match) const;
  // Advice that fits, in a window of `span_ns` since `since_ns` in which the rule is judged; nothing where it is silent.
  absl::StatusOr<std::optional<v1::Recommendation>> AdviceAfter(const Question& question, const Match& match,
                                                                int64_t span_ns = kQuietNs) const;

  // Of the answer's advice the first that the rule gave and that fits.
  static std::optional<v1::Recommendation> Find(const v1::RecommendResponse& answer, const std::string& rule, const Match& match);
  static Match OfThread(pid_t tid);
  // By the field's text in Evidence.values, e.g. {"irq", "39"}.
  static Match WithValue(const std::string& field, const std::string& value);
  // Of Evidence.values; -1: it is not there or no number.
  static int64_t NumberOf(const v1::Recommendation& advice, const std::string& field);

  // As given in an advice, by a shell.
  static CommandResult Shell(const std::string& command);

 private:
  const DaemonUnderTest* const daemon_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_ADVICE_RIG_H_
