// What tests of producers have in common: a host of four CPUs of which a watched thread is bound to CPU 2, and the advice that facts make.
#ifndef HFTMON_TESTS_DAEMON_SERVICE_EVIDENCE_FACT_TEST_SUPPORT_H_
#define HFTMON_TESTS_DAEMON_SERVICE_EVIDENCE_FACT_TEST_SUPPORT_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/advice/advice_rules.h"
#include "daemon/advice/fact_schema.h"
#include "daemon/advice/recommend.h"
#include "daemon/analysis/spike.h"
#include "daemon/service/evidence/evidence_context.h"

namespace hftmon {

inline constexpr int64_t kBeginNs = 1'000'000'000;
inline constexpr int64_t kEndNs = 3'000'000'000;
inline constexpr ThreadKey kWatched{.tid = 1001, .tgid = 1000, .start_ns = 5};
inline constexpr uint32_t kKernelThreadFlag = 0x00200000;

inline EvidenceContext TestContext() {
  EvidenceContext context;
  context.begin_mono_ns = kBeginNs;
  context.end_mono_ns = kEndNs;
  context.own_pid = 77;
  context.online_cpus = {0, 1, 2, 3};
  context.bound_cpus = {2};
  context.watched_cpus = {2};
  // 55 is an ordinary thread, 20 one of the kernel; others have ended.
  context.task = [](uint32_t, uint32_t tid) -> std::optional<TaskFact> {
    if (tid == 55) return TaskFact{.allowed_cpus = {0, 1, 2, 3}, .flags = 0};
    if (tid == 20) return TaskFact{.allowed_cpus = {2}, .flags = kKernelThreadFlag};
    return std::nullopt;
  };
  context.name = [](uint32_t tid) { return "thread" + std::to_string(tid); };
  return context;
}

inline Spike TestSpike(uint64_t id, SpikeKind kind, int64_t duration_ns, const Cause& cause) {
  Spike spike;
  spike.id = id;
  spike.kind = kind;
  spike.thread = kWatched;
  spike.cpu = 2;
  spike.start_mono_ns = kBeginNs + static_cast<int64_t>(id) * 10'000'000;
  spike.duration_ns = duration_ns;
  spike.cause_count = 1;
  spike.causes[0] = cause;
  return spike;
}

// Every fact keeps the schema; what the rules make of them.
inline Judgement JudgeFacts(const std::vector<Fact>& facts) {
  for (const Fact& fact : facts) EXPECT_TRUE(CheckFact(fact).ok()) << CheckFact(fact).message();
  return Judge(AdviceRules(), facts, {.begin_mono_ns = kBeginNs, .end_mono_ns = kEndNs}, {});
}

inline std::vector<std::string> RulesThatSpeak(const std::vector<Fact>& facts) {
  std::vector<std::string> rules;
  for (const Recommendation& one : JudgeFacts(facts).recommendations) rules.push_back(one.rule);
  return rules;
}

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_SERVICE_EVIDENCE_FACT_TEST_SUPPORT_H_
