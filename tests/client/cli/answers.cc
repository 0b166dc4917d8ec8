#include "tests/client/cli/answers.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

namespace hftmon {
namespace {

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

}  // namespace

v1::TimePair SomeTime() {
  return Parse<v1::TimePair>("monotonic_ns: 1000000000000 realtime_ns: 1767323045000000000 error_ns: 120");
}

v1::Spike SomeSpike(uint64_t id) {
  auto spike = Parse<v1::Spike>(R"(
    thread { tid: 4712 pid: 4711 start_boottime_ns: 900000000000 comm: "matcher" }
    target_pid: 4711 cpu: 3 start_monotonic_ns: 999999500000 duration_ns: 312400 kind: "preempted"
    causes { kind: "thread" duration_ns: 210000 share: 0.6722 actor { pid: 991 tid: 992 comm: "stress" } evidence: "ran once on CPU 3" cpu: 3 }
    causes { kind: "waking" duration_ns: 100000 share: 0.3201 estimated: true evidence: "idle exit" cpu: 3 }
    unexplained_ns: 2400 run_queue_depth: 2 priority: 120 migrations: 1 detection_ns: 1500)");
  spike.set_id(id);
  return spike;
}

v1::QueryContextSwitchesResponse SomeSwitches() {
  auto response = Parse<v1::QueryContextSwitchesResponse>(R"(
    window { begin_monotonic_ns: 990000000000 end_monotonic_ns: 999990000000 requested_ns: 10000000000 resolution_ns: 10000000 }
    threads {
      thread { tid: 4712 pid: 4711 start_boottime_ns: 900000000000 comm: "matcher" }
      voluntary_count: 900 involuntary_count: 3 migration_count: 1 alive: true
      voluntary_total: 5000 involuntary_total: 7 run_delay_total_ns: 123456
      run_queue_latency { count: 903 sum_ns: 2709000 max_ns: 312400 percentiles { percent: 50 value_ns: 2500 } percentiles { percent: 99.9 value_ns: 300000 } }
      off_cpu { count: 903 sum_ns: 8000000000 max_ns: 12000000 max_estimated: true percentiles { percent: 50 value_ns: 9000000 } }
      kinds { key: "blocked_syscall" value: 900 } kinds { key: "user_preemption" value: 3 }
      run_queue_depth { count: 903 mean: 1.25 p50: 1 p99: 2 max: 4 }
    }
    threads { thread { tid: 4713 pid: 4711 comm: "idler" } run_queue_latency {} off_cpu {} run_queue_depth {} }
    events { thread { tid: 4712 pid: 4711 comm: "matcher" } start_monotonic_ns: 999980000000 duration_ns: 5000000 run_queue_ns: 312400
      kind: "user_preemption" cpu_out: 3 cpu_in: 3 run_queue_depth: 2 preemptor_tid: 992 preemptor_comm: "stress" }
    events { thread { tid: 4712 pid: 4711 comm: "matcher" } start_monotonic_ns: 999985000000 kind: "migration" cpu_out: 3 cpu_in: 1
      migration_reason: "affinity" }
    events_floor_ns: 50000)");
  *response.mutable_time() = SomeTime();
  return response;
}

v1::GetStatusResponse SomeStatus() {
  auto response = Parse<v1::GetStatusResponse>(R"(
    daemon { pid: 77 uptime_ns: 125000000000 rss_bytes: 20971520 bpf_map_bytes: 10485760 cpu_share: 0.0125 version: "0.1.0" cpu_time_ns: 1562500000 thread_count: 9 }
    target_count: 1
    probes { name: "switch" attach_point: "tp_btf/sched_switch" run_count: 13800000 mean_ns: 44.5 instruction_count: 321 }
    probes { name: "migration" attach_point: "tp_btf/sched_migrate_task" run_count: 12 }
    drops { name: "ring_overruns" help: "records overwritten" data_loss: true }
    drops { name: "slow_readers" count: 4 help: "spikes dropped for readers" }
    loop { mode: "latency" cpu: 1 iteration_count: 100 record_count: 99 gap_count: 2 gap_max_ns: 150000 gap_threshold_ns: 50000 scheduling: "SCHED_OTHER nice -20"
      detection { count: 3 sum_ns: 4500 max_ns: 2000 percentiles { percent: 50 value_ns: 1400 } } }
    clock { source: "tsc" tsc_hz: 2400000000 error_ns: 90 }
    bounds { name: "targets" used: 1 limit: 1024 })");
  *response.mutable_time() = SomeTime();
  return response;
}

v1::GetStatusResponse SomeClocks() {
  v1::GetStatusResponse response = SomeStatus();
  response.mutable_clock()->MergeFrom(Parse<v1::ClockStatus>(R"(
    run_queue_clocks { cpu: 3 offset_ns: -500 error_ns: 1010 pair_count: 9 }
    epochs { number: 1 reason: "start" detail: "clock epoch 1: the daemon started" end_monotonic_ns: 900000000005 }
    epochs { number: 2 reason: "wall_step" detail: "clock epoch 2: the wall clock stepped by 1.5s" begin_after_monotonic_ns: 899990000000
      begin_monotonic_ns: 900000000005 step_ns: 1500000000 }
    kernel_clock { available: true synchronised: true max_error_ns: 250000 frequency_ppm: -2.5 tai_offset_ns: 37000000000 }
    ptp_clocks { device: "/dev/ptp0" name: "igc" interfaces: "enp1s0" available: true method: "extended" offset_ns: 37000000250 error_ns: 500 }
    ptp_clocks { device: "/dev/ptp1" name: "mlx5" reason: "may not be opened" })"));
  *response.mutable_clock()->mutable_epochs(1)->mutable_time() = SomeTime();
  return response;
}

v1::GetCapabilitiesResponse SomeCapabilities() {
  return Parse<v1::GetCapabilitiesResponse>(R"(
    capabilities { name: "btf" available: true reason: "found in sysfs" required: true }
    capabilities { name: "hardware_counters" reason: "no PMU" mend: "run on bare metal" })");
}

v1::Target SomeTarget(int32_t pid) {
  auto target = Parse<v1::Target>(R"(
    comm: "matcher" state: TARGET_STATE_RUNNING start_boottime_ns: 900000000000 thread_count: 2 attached_monotonic_ns: 950000000000
    sampling_interval_ns: 10000000 options { spike_threshold_ns: 50000 probe_groups: "sched" follow_children: true })");
  target.set_pid(pid);
  return target;
}

}  // namespace hftmon
