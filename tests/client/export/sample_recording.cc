#include "tests/client/export/sample_recording.h"

#include <string>

namespace hftmon {
namespace {

constexpr int64_t kBeginNs = 1'000'000'000;

RecordedThreadId IdOf(int32_t tid, const std::string& comm) {
  return {.pid = kBookPid, .tid = tid, .start_boottime_ns = 77, .comm = comm};
}

// Pieces one after the other.
class Story {
 public:
  explicit Story(RecordedThread* thread, int64_t begin_ns) : thread_(*thread), at_ns_(begin_ns) {}
  Story& Add(PieceState state, int64_t duration_ns, int32_t cpu = -1, const std::string& detail = "", uint64_t spike_id = 0) {
    thread_.pieces.push_back(
        {.start_ns = at_ns_, .duration_ns = duration_ns, .state = state, .cpu = cpu, .spike_id = spike_id, .detail = detail});
    at_ns_ += duration_ns;
    return *this;
  }

 private:
  RecordedThread& thread_;
  int64_t at_ns_;
};

RecordedSpike SpikeOf(uint64_t id, const RecordedThreadId& thread, const std::string& kind, int64_t start_ns, int64_t duration_ns) {
  RecordedSpike spike;
  spike.id = id;
  spike.thread = thread;
  spike.target_pid = kBookPid;
  spike.cpu = 1;
  spike.start_ns = start_ns;
  spike.duration_ns = duration_ns;
  spike.kind = kind;
  return spike;
}

void AddSpikes(Recording* recording) {
  const RecordedThreadId engine = recording->threads[0].id;
  RecordedSpike preempted = SpikeOf(1, engine, "preempted", kBeginNs + 400'000, 200'000);
  preempted.causes = {{.kind = "thread",
                       .duration_ns = 150'000,
                       .cpu = 1,
                       .pid = kBackupTid,
                       .tid = kBackupTid,
                       .comm = "back;up<b>",
                       .evidence = "it ran for 150us"},
                      {.kind = "softirq", .duration_ns = 30'000, .cpu = 1, .name = "NET_RX"}};
  preempted.unexplained_ns = 20'000;
  preempted.user_stack = {"Book::Match", "Engine::Run", "main"};
  preempted.kernel_stack = {"schedule", "do_syscall_64"};
  RecordedSpike blocked = SpikeOf(2, engine, "run_queue", kBeginNs + 1'000'000, 100'000);
  blocked.causes = {{.kind = "thread", .duration_ns = 100'000, .cpu = 1, .pid = kBackupTid, .tid = kBackupTid, .comm = "back;up<b>"}};
  RecordedSpike interrupted = SpikeOf(3, engine, "interrupted", kBeginNs + 1'500'000, 60'000);
  interrupted.causes = {{.kind = "hard_irq", .duration_ns = 60'000, .cpu = 1, .irq = 24, .name = "eth0-rx"}};
  // The order that the preemption hit: longer than it, and begun before it.
  RecordedSpike order = SpikeOf(4, engine, "operation", kBeginNs + 390'000, 230'000);
  order.operation = "order";
  order.operation_value = 42;
  order.causes = {{.kind = "thread", .duration_ns = 150'000, .cpu = 1, .pid = kBackupTid, .tid = kBackupTid, .comm = "back;up<b>"},
                  {.kind = "running", .duration_ns = 10'000, .cpu = 1}};
  order.unexplained_ns = 70'000;
  recording->spikes = {order, preempted, blocked, interrupted};
}

void AddRest(Recording* recording) {
  RecordedSwitch sleep;
  sleep.thread = recording->threads[0].id;
  sleep.start_ns = kBeginNs + 800'000;
  sleep.duration_ns = 300'000;
  sleep.run_queue_ns = 100'000;
  sleep.kind = "blocked_syscall";
  sleep.voluntary = true;
  sleep.syscall = "futex";
  sleep.cpu_out = 1;
  sleep.cpu_in = 1;
  sleep.waker = RecordedWaker{
      .known = true, .context = "thread", .tid = kFeedTid, .pid = 50, .comm = "feed", .cpu = 0, .woken_ns = kBeginNs + 999'000};
  RecordedSwitch move;
  move.thread = recording->threads[1].id;
  move.start_ns = kBeginNs + 1'000'000;
  move.kind = "migration";
  move.cpu_out = 0;
  move.cpu_in = 2;
  move.migration_reason = "balance";
  recording->switches = {sleep, move};
  recording->counters = {
      {.metric = "spike_count", .unit = "count", .pid = kBookPid, .samples = {{kBeginNs + 500'000, 1}, {kBeginNs + 1'500'000, 3}}}};
  recording->interrupts = {{.cpu = 1, .kind = "hard_irq", .name = "local_timer", .count = 3, .self_ns = 9'000}};
  recording->nodes = {{.node = 0, .cpus = {0, 1}}, {.node = 1, .cpus = {2, 3}}};
  recording->operations = {{.pid = kBookPid,
                            .comm = "order_book",
                            .name = "order",
                            .count = 5'000,
                            .rate_hz = 2'500'000,
                            .sum_ns = 9'000'000,
                            .max_ns = 230'000,
                            .percentiles = {{50, 900}, {99, 4'000}},
                            .spike_count = 1}};
}

}  // namespace

Recording SampleRecording() {
  Recording recording;
  recording.recorder_version = "0.1.0";
  recording.daemon_version = "0.1.0";
  recording.host = "trader<1>";
  recording.kernel = "6.12.0";
  recording.pair_monotonic_ns = kBeginNs;
  recording.pair_realtime_ns = 1'764'000'000'000'000'000;
  recording.begin_ns = kBeginNs;
  recording.end_ns = kBeginNs + 2'000'000;
  recording.whole = true;
  recording.end_reason = "duration";
  recording.run_queue_floor_ns = 20'000;
  recording.off_cpu_floor_ns = 20'000;
  recording.notes = {"waits for a CPU shorter than 20us were recorded nowhere: they look like running"};
  recording.threads.resize(2);
  recording.threads[0].id = IdOf(kEngineTid, "engine");
  Story(&recording.threads[0], kBeginNs)
      .Add(PieceState::kRunning, 400'000, 1)
      .Add(PieceState::kWaiting, 200'000, 1, "back;up<b>", 1)
      .Add(PieceState::kRunning, 200'000, 1)
      .Add(PieceState::kBlocked, 200'000, -1, "futex")
      .Add(PieceState::kWaiting, 100'000, 1, "back;up<b>", 2)
      .Add(PieceState::kRunning, 400'000, 1)
      .Add(PieceState::kInterrupted, 60'000, 1, "eth0-rx", 3)
      .Add(PieceState::kRunning, 440'000, 1);
  recording.threads[1].id = IdOf(kGatewayTid, "gate\"way,&");
  Story(&recording.threads[1], kBeginNs)
      .Add(PieceState::kRunning, 1'000'000, 0)
      .Add(PieceState::kRunning, 300'000, 2)
      .Add(PieceState::kUnknown, 200'000)
      .Add(PieceState::kRunning, 200'000, 2)
      .Add(PieceState::kBlocked, 300'000, -1, "page fault");
  AddSpikes(&recording);
  AddRest(&recording);
  return recording;
}

Recording LargeRecording(size_t event_count) {
  constexpr size_t kThreads = 8;
  constexpr size_t kPiecesPerSpike = 50;
  constexpr int64_t kPieceNs = 5'000;
  Recording recording = SampleRecording();
  recording.threads.clear();
  recording.spikes.clear();
  recording.switches.clear();
  recording.threads.resize(kThreads);
  for (size_t t = 0; t < kThreads; ++t) {
    RecordedThread& thread = recording.threads[t];
    thread.id = IdOf(static_cast<int32_t>(1'000 + t), "worker-" + std::to_string(t));
    const auto cpu = static_cast<int32_t>(t);
    Story story(&thread, kBeginNs);
    for (size_t p = 0; p < event_count / kThreads; p += 3) {
      const uint64_t spike_id = p % kPiecesPerSpike == 0 ? recording.spikes.size() + 1 : 0;
      const int64_t start_ns = kBeginNs + static_cast<int64_t>(p + 1) * kPieceNs;
      story.Add(PieceState::kRunning, kPieceNs, cpu).Add(PieceState::kWaiting, kPieceNs, cpu, "backup", spike_id);
      story.Add(PieceState::kInterrupted, kPieceNs, cpu, "local_timer");
      if (spike_id == 0) continue;
      RecordedSpike spike = SpikeOf(spike_id, thread.id, "preempted", start_ns, kPieceNs);
      spike.causes = {{.kind = "thread", .duration_ns = kPieceNs, .cpu = cpu, .pid = kBackupTid, .tid = kBackupTid, .comm = "backup"}};
      recording.spikes.push_back(std::move(spike));
    }
    recording.end_ns = thread.pieces.back().end_ns();
  }
  return recording;
}

}  // namespace hftmon
