#include "daemon/service/convert_recommend.h"

#include <string>

#include "common/utf8.h"
#include "daemon/service/convert.h"

namespace hftmon {
namespace {

void EvidenceToProto(const Evidence& evidence, v1::Evidence* out) {
  for (const std::string& sentence : evidence.sentences) out->add_sentences(ValidUtf8(sentence));
  out->set_sentences_left_out(evidence.sentences_left_out);
  out->set_begin_monotonic_ns(evidence.begin_mono_ns);
  out->set_end_monotonic_ns(evidence.end_mono_ns);
  out->mutable_spike_ids()->Add(evidence.spike_ids.begin(), evidence.spike_ids.end());
  if (evidence.count) out->set_count(*evidence.count);
  if (evidence.sum_ns) out->set_sum_ns(*evidence.sum_ns);
  if (evidence.longest_ns) out->set_longest_ns(*evidence.longest_ns);
  for (const auto& [name, value] : evidence.values) (*out->mutable_values())[name] = ValidUtf8(value);
}

void ActionToProto(const Action& action, v1::Action* out) {
  out->set_command(ValidUtf8(action.command));
  out->set_undo(ValidUtf8(action.undo));
  out->set_code_hint(ValidUtf8(action.code_hint));
  out->set_withheld(ValidUtf8(action.withheld));
  out->set_reach(std::string(ReachName(action.reach)));
  out->set_survives_reboot(action.survives_reboot);
  out->set_persist(ValidUtf8(action.persist));
  out->set_risk(std::string(RiskName(action.risk)));
  out->set_risk_text(ValidUtf8(action.risk_text));
}

void GainToProto(const Gain& gain, v1::Gain* out) {
  if (gain.ns_per_second) out->set_ns_per_second(*gain.ns_per_second);
  if (gain.longest_ns) out->set_longest_ns(*gain.longest_ns);
  if (gain.share) out->set_share(*gain.share);
  out->set_estimated(gain.estimated);
  out->set_basis(gain.basis);
}

void ProofToProto(const Proof& proof, v1::Proof* out) {
  out->set_metric(proof.metric);
  out->set_query(ValidUtf8(proof.query));
  out->set_path(proof.path);
  if (proof.value_now) out->set_value_now(*proof.value_now);
  out->set_expected(proof.expected);
}

void RecommendationToProto(const Recommendation& from, ThreadNames* names, v1::Recommendation* out) {
  out->set_rule(from.rule);
  out->set_id(ValidUtf8(from.id));
  out->set_title(from.title);
  out->set_cause(ValidUtf8(from.cause));
  EvidenceToProto(from.evidence, out->mutable_evidence());
  out->set_confidence(from.confidence.value);
  for (const std::string& reason : from.confidence.reasons) out->add_confidence_reasons(reason);
  ActionToProto(from.action, out->mutable_action());
  for (const Action& action : from.alternatives) ActionToProto(action, out->add_alternatives());
  GainToProto(from.gain, out->mutable_gain());
  ProofToProto(from.proof, out->mutable_proof());
  if (from.thread) {
    ThreadToProto({.tid = from.thread->tid, .tgid = from.thread->pid, .start_ns = from.thread->start_ns}, names, out->mutable_thread());
    // It may have ended since; the fact has its name.
    if (out->thread().comm().empty()) out->mutable_thread()->set_comm(ValidUtf8(from.thread->comm));
  }
  out->mutable_cpus()->Add(from.cpus.begin(), from.cpus.end());
  out->set_basis(std::string(BasisName(from.basis)));
  for (const std::string& rule : from.corroborated_by) out->add_corroborated_by(rule);
}

}  // namespace

void JudgementToProto(const Judgement& judgement, ThreadNames* names, v1::RecommendResponse* response) {
  for (const Recommendation& one : judgement.recommendations) RecommendationToProto(one, names, response->add_recommendations());
  for (const NotJudged& one : judgement.not_judged) {
    v1::NotJudged* out = response->add_not_judged();
    out->set_rule(one.rule);
    out->set_reason(ValidUtf8(one.reason));
    out->set_mend(ValidUtf8(one.mend));
  }
  response->set_recommendations_left_out(judgement.recommendations_left_out);
  response->set_not_judged_left_out(judgement.not_judged_left_out);
  response->set_facts_refused(judgement.facts_refused);
  response->set_first_refusal(ValidUtf8(judgement.first_refusal));
}

}  // namespace hftmon
