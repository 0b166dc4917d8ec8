#include "daemon/service/recommend_query.h"

#include <algorithm>
#include <string>
#include <vector>

#include "daemon/advice/advice_rules.h"
#include "daemon/advice/evidence_source.h"
#include "daemon/advice/recommend.h"
#include "daemon/service/answer_size.h"
#include "daemon/service/convert.h"
#include "daemon/service/convert_recommend.h"
#include "daemon/service/convert_time.h"
#include "daemon/service/rich_error.h"

namespace hftmon {
namespace {

EvidenceWish WishOf(const v1::RecommendRequest& request) {
  EvidenceWish wish;
  wish.pids.assign(request.pids().begin(), request.pids().end());
  wish.window_ns = request.window_ns() > 0 ? request.window_ns() : kRecommendWindowDefaultNs;
  if (request.begin_monotonic_ns() > 0) wish.begin_mono_ns = request.begin_monotonic_ns();
  wish.audit = request.audit();
  wish.look_at_memory = request.look_at_memory();
  return wish;
}

void WindowToProto(const ServiceCore& core, const EvidenceWish& wish, const JudgeWindow& judged, v1::Window* window) {
  window->set_begin_monotonic_ns(judged.begin_mono_ns);
  window->set_end_monotonic_ns(judged.end_mono_ns);
  window->set_requested_ns(wish.window_ns);
  const int64_t asked_begin_ns = std::max(judged.end_mono_ns - wish.window_ns, wish.begin_mono_ns.value_or(0));
  window->set_truncated(judged.begin_mono_ns > asked_begin_ns);
  window->set_off_ns(core.status->OffWithin(judged.begin_mono_ns, judged.end_mono_ns));
}

void CostToProto(const EvidenceCost& cost, v1::LookCost* out) {
  out->set_call_count(cost.look_count);
  out->set_page_count(cost.page_count);
  out->set_beside_page_count(cost.beside_page_count);
  out->set_sum_ns(cost.sum_ns);
  out->set_longest_ns(cost.longest_ns);
}

}  // namespace

grpc::Status AnswerRecommend(const ServiceCore& core, const v1::RecommendRequest& request, LimitBook* limits, const std::stop_token& stop,
                             v1::RecommendResponse* response) {
  if (core.evidence == nullptr) return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "this daemon makes no recommendations");
  EvidenceWish wish = WishOf(request);
  wish.stop = stop;
  const absl::StatusOr<EvidenceAnswer> evidence = core.evidence->Facts(wish);
  if (!evidence.ok()) return ToGrpcStatus(evidence.status());
  JudgeWish judge{.rules = {request.rules().begin(), request.rules().end()}, .audit = request.audit()};
  if (request.confidence_min() > 0) judge.confidence_min = request.confidence_min();
  const Judgement judgement = Judge(AdviceRules(), evidence->facts, evidence->window, judge);
  TimePairToProto(core.status->Now(), response->mutable_time());
  WindowToProto(core, wish, evidence->window, response->mutable_window());
  response->set_lost_records(evidence->window.lost_records);
  if (evidence->cost) CostToProto(*evidence->cost, response->mutable_look_cost());
  JudgementToProto(judgement, core.names, response);
  return CheckAnswer(*response, response->recommendations_size() + response->not_judged_size(), limits);
}

}  // namespace hftmon
