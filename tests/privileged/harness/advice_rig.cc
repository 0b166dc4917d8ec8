#include "tests/privileged/harness/advice_rig.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "tests/privileged/harness/eventually.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {
namespace {

constexpr int64_t kWindowMaxNs = 600'000'000'000;  // since_ns is what bounds it

// What was seen and is not sure enough is judged: it may be any other thing of the rule's.
bool IsJudged(const v1::RecommendResponse& answer, const std::string& rule, std::string* why) {
  for (const v1::NotJudged& one : answer.not_judged()) {
    if (one.rule() != rule || one.reason().find("not sure enough") != std::string::npos) continue;
    *why = one.reason();
    return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<v1::RecommendResponse> AdviceRig::Ask(const Question& question) const {
  v1::RecommendRequest request;
  for (const pid_t pid : question.pids) request.add_pids(pid);
  request.set_window_ns(kWindowMaxNs);
  request.set_begin_monotonic_ns(question.since_ns);
  request.add_rules(question.rule);
  request.set_audit(question.audit);
  request.set_look_at_memory(question.look_at_memory);
  return daemon_->client().Recommend(request);
}

absl::StatusOr<v1::RecommendResponse> AdviceRig::AskWhenJudged(const Question& question, int64_t span_ns) const {
  absl::StatusOr<v1::RecommendResponse> answer = absl::UnknownError("not asked");
  std::string why;
  const bool judged = Eventually(
      [&] {
        if (workload::NowNs() < question.since_ns + span_ns) return false;
        answer = Ask(question);
        return !answer.ok() || IsJudged(*answer, question.rule, &why);
      },
      span_ns + kLimitNs);
  if (!judged) return absl::DeadlineExceededError(absl::StrCat(question.rule, " was not judged: ", why));
  return answer;
}

absl::StatusOr<v1::Recommendation> AdviceRig::AwaitAdvice(const Question& question, const Match& match) const {
  absl::StatusOr<v1::RecommendResponse> answer = absl::UnknownError("not asked");
  std::optional<v1::Recommendation> advice;
  Eventually(
      [&] {
        answer = Ask(question);
        if (answer.ok()) advice = Find(*answer, question.rule, match);
        return !answer.ok() || advice.has_value();
      },
      kLimitNs);
  if (!answer.ok()) return answer.status();
  if (!advice) return absl::NotFoundError(absl::StrCat(question.rule, " gave no such advice: ", answer->DebugString()));
  return *advice;
}

absl::StatusOr<std::optional<v1::Recommendation>> AdviceRig::AdviceAfter(const Question& question, const Match& match,
                                                                         int64_t span_ns) const {
  const absl::StatusOr<v1::RecommendResponse> answer = AskWhenJudged(question, span_ns);
  if (!answer.ok()) return answer.status();
  return Find(*answer, question.rule, match);
}

std::optional<v1::Recommendation> AdviceRig::Find(const v1::RecommendResponse& answer, const std::string& rule, const Match& match) {
  const auto& all = answer.recommendations();
  const auto found = std::find_if(all.begin(), all.end(), [&](const v1::Recommendation& one) { return one.rule() == rule && match(one); });
  return found == all.end() ? std::nullopt : std::optional(*found);
}

AdviceRig::Match AdviceRig::OfThread(pid_t tid) {
  return [tid](const v1::Recommendation& one) { return one.thread().tid() == tid; };
}

AdviceRig::Match AdviceRig::WithValue(const std::string& field, const std::string& value) {
  return [field, value](const v1::Recommendation& one) {
    const auto known = one.evidence().values().find(field);
    return known != one.evidence().values().end() && known->second == value;
  };
}

int64_t AdviceRig::NumberOf(const v1::Recommendation& advice, const std::string& field) {
  const auto known = advice.evidence().values().find(field);
  if (known == advice.evidence().values().end()) return -1;
  const std::string& text = known->second;
  int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : -1;
}

CommandResult AdviceRig::Shell(const std::string& command) {
  return RunCommand({"/bin/sh", "-c", command});
}

}  // namespace hftmon::testing
