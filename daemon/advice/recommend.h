// Judge: facts of a window and rules in, recommendations and what could not be judged out. Pure, any thread.
//
// Each fact backs one recommendation: rows are tried from the most to the least specific (the number of conditions on a fact), and a fact
// that one took is not there for the next. Rows with `unless` come after those they may yield to, rows of configuration last: those are
// given when an audit is asked for, or where measured advice of the same cause stands beside them. Configuration whose command is a
// measured recommendation's own is that one, not another.
//
// In order: the gain in ns a second, the longest single one, the share, the confidence, the id.
#ifndef HFTMON_DAEMON_ADVICE_RECOMMEND_H_
#define HFTMON_DAEMON_ADVICE_RECOMMEND_H_

#include <span>
#include <string>
#include <vector>

#include "daemon/advice/confidence.h"
#include "daemon/advice/judge_window.h"
#include "daemon/advice/recommendation.h"

namespace hftmon {

inline constexpr size_t kFactsMax = 65'536;
inline constexpr size_t kRecommendationsMax = 256;
inline constexpr size_t kNotJudgedMax = 512;

struct JudgeWish {
  std::vector<std::string> rules;  // ids; empty: all. The others are judged too, so that the same facts give the same advice
  bool audit = false;
  double confidence_min = kConfidenceMin;
};

// What did not fit is the last in its order, and counted.
struct Judgement {
  std::vector<Recommendation> recommendations;
  std::vector<NotJudged> not_judged;  // in the order of the rules
  size_t recommendations_left_out = 0;
  size_t not_judged_left_out = 0;
  size_t facts_left_out = 0;  // beyond kFactsMax
  size_t facts_refused = 0;   // against the schema: a producer's mistake
  std::string first_refusal;  // why
};

Judgement Judge(std::span<const RuleRow> rules, std::span<const Fact> facts, const JudgeWindow& window, const JudgeWish& wish);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_RECOMMEND_H_
