#include "tests/client/top/top_answers.h"

#include <fmt/format.h>
#include <google/protobuf/text_format.h>

#include <cstdlib>

namespace hftmon {
namespace {

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  if (!google::protobuf::TextFormat::ParseFromString(text, &message)) abort();
  return message;
}

void AddSample(const char* metric, int32_t pid, int32_t tid, double value, v1::WatchMetricsResponse* snapshot) {
  v1::MetricSample* sample = snapshot->add_samples();
  sample->set_metric(metric);
  sample->set_pid(pid);
  sample->set_tid(tid);
  sample->set_value(value);
}

}  // namespace

v1::TimePair TopTime() {
  return Parse<v1::TimePair>("monotonic_ns: 1000000000000 realtime_ns: 1767323045000000000");
}

v1::GetStatusResponse TopStatus() {
  auto status = Parse<v1::GetStatusResponse>(R"(
    daemon { pid: 77 uptime_ns: 125000000000 rss_bytes: 20971520 cpu_share: 0.0125 version: "0.1.0" cpu_time_ns: 1562500000 }
    target_count: 2 operation { mode: "economy" })");
  *status.mutable_time() = TopTime();
  return status;
}

v1::ListTargetsResponse TopTargets() {
  return Parse<v1::ListTargetsResponse>(R"(
    targets { pid: 4711 comm: "matcher" state: TARGET_STATE_RUNNING thread_count: 2 }
    targets { pid: 5000 comm: "feed" state: TARGET_STATE_PAUSED thread_count: 1 }
    targets { pid: 3000 comm: "gone" state: TARGET_STATE_ENDED })");
}

v1::QueryThreadsResponse TopThreads() {
  return Parse<v1::QueryThreadsResponse>(R"(
    window { begin_monotonic_ns: 999000000000 end_monotonic_ns: 1000000000000 }
    threads { thread { tid: 4711 pid: 4711 comm: "matcher" } alive: true scheduling { policy: "fifo" realtime_priority: 80 }
              cpu_time_ns: 900000000 run_queue_wait_ns: 50000000 blocked_ns: 40000000 interrupted_ns: 10000000 }
    threads { thread { tid: 5000 pid: 5000 comm: "feed" } alive: true scheduling { policy: "other" nice: -5 }
              cpu_time_ns: 250000000 blocked_ns: 750000000 }
    threads { thread { tid: 4712 pid: 4711 comm: "logger" } alive: true scheduling { policy: "other" }
              cpu_time_ns: 1000000 run_queue_wait_ns: 2000000 blocked_ns: 997000000 }
    threads { thread { tid: 4713 pid: 4711 comm: "ended" } })");
}

TopMetrics TopSnapshot(bool per_thread, double spikes) {
  TopMetrics metrics;
  metrics.per_thread = per_thread;
  metrics.snapshot = Parse<v1::WatchMetricsResponse>("window { begin_monotonic_ns: 999000000000 end_monotonic_ns: 1000000000000 }");
  v1::WatchMetricsResponse* out = &metrics.snapshot;
  const int32_t matcher = per_thread ? 4711 : 0;
  AddSample("context_switches_voluntary_count", 4711, matcher, 1500, out);
  AddSample("context_switches_involuntary_count", 4711, matcher, 20, out);
  AddSample("run_queue_latency_p50_ns", 4711, matcher, 2'500, out);
  AddSample("run_queue_latency_p99_ns", 4711, matcher, 48'000, out);
  AddSample("run_queue_latency_max_ns", 4711, matcher, 312'400, out);
  AddSample("interrupted_sum_ns", 4711, matcher, 10'000'000, out);
  AddSample("spikes_count", 4711, matcher, spikes, out);
  if (per_thread) {
    AddSample("context_switches_voluntary_count", 4711, 4712, 4, out);
    AddSample("context_switches_involuntary_count", 4711, 4712, 0, out);
    AddSample("run_queue_latency_max_ns", 4711, 4712, 900'000, out);
    AddSample("context_switches_voluntary_count", 4711, 4713, 0, out);
  }
  const int32_t feed = per_thread ? 5000 : 0;
  AddSample("context_switches_voluntary_count", 5000, feed, 250'000, out);
  AddSample("context_switches_involuntary_count", 5000, feed, 1, out);
  AddSample("run_queue_latency_p99_ns", 5000, feed, 7'000, out);
  AddSample("run_queue_latency_max_ns", 5000, feed, 66'000, out);
  AddSample("spikes_count", 5000, feed, 1, out);
  return metrics;
}

TopSpike TopSpikeOf(uint64_t id, const std::string& comm, int32_t tid, int64_t duration_ns) {
  TopSpike spike;
  spike.daemon_number = 1;
  spike.time = TopTime();
  spike.spike = Parse<v1::Spike>(R"(
    target_pid: 4711 cpu: 3 kind: "preempted" unexplained_ns: 2400
    causes { kind: "thread" share: 0.9 actor { pid: 991 tid: 992 comm: "stress" } evidence: "ran once on CPU 3" })");
  spike.spike.set_id(id);
  spike.spike.set_target_pid(tid);
  spike.spike.mutable_thread()->set_pid(tid);
  spike.spike.mutable_thread()->set_tid(tid);
  spike.spike.mutable_thread()->set_comm(comm);
  spike.spike.set_duration_ns(duration_ns);
  spike.spike.set_start_monotonic_ns(999'000'000'000 + static_cast<int64_t>(id) * 1'000'000);
  return spike;
}

TopModel FilledTop() {
  TopModel model;
  model.Take(TopConnection{});
  model.Take(TopStatus());
  model.Take(TopTargets());
  model.Take(TopThreads());
  model.Take(TopSnapshot(false));
  model.Take(TopSnapshot(true));
  model.Take(TopStreamLosses{});
  model.Take(TopSpikeOf(1));
  model.Take(TopSpikeOf(2, "feed", 5000, 66'000));
  model.Take(TopSpikeOf(3, "matcher", 4711, 98'000));
  return model;
}

TopKey Character(const std::string& character) {
  return {TopKey::Kind::kCharacter, character};
}

TopKey Special(TopKey::Kind kind) {
  return {kind, ""};
}

void PressAll(const std::string& characters, TopModel* model) {
  for (const char character : characters) model->Press(Character(std::string(1, character)));
}

TopTexts TestTexts() {
  return {.spike =
              [](const v1::Spike& spike, const v1::TimePair&) {
                std::string text = fmt::format("{}[{}]  {}\n", spike.thread().comm(), spike.thread().tid(), spike.kind());
                for (const v1::Cause& cause : spike.causes()) {
                  text += fmt::format("    ##################..   {:.1f} %  {}[{}]: {}\n", cause.share() * 100, cause.actor().comm(),
                                      cause.actor().tid(), cause.evidence());
                }
                return text + fmt::format("    unexplained {} ns\n", spike.unexplained_ns());
              },
          .time_of_day =
              [](int64_t monotonic_ns, const v1::TimePair& time) {
                const int64_t us = (time.realtime_ns() + monotonic_ns - time.monotonic_ns()) / 1'000;
                const int64_t s = us / 1'000'000;
                return fmt::format("{:02}:{:02}:{:02}.{:06}", s / 3600 % 24, s / 60 % 60, s % 60, us % 1'000'000);
              }};
}

}  // namespace hftmon
