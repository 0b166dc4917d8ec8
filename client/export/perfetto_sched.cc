#include "client/export/perfetto_sched.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace hftmon {
namespace {

namespace pb = perfetto::protos;

// prev_state as the kernel's sched_switch has it.
constexpr int64_t kStateRunnable = 0;
constexpr int64_t kStateSleeping = 1;
constexpr int64_t kStateUninterruptible = 2;
constexpr int64_t kStateNoKernelHas = 0x8000;

constexpr uint32_t kFlagHardIrq = 0x08;  // common_flags of a trace event
constexpr uint32_t kFlagSoftirq = 0x10;

constexpr size_t kSwitchesPerBundle = 16'384;

bool HasCpu(const RecordedPiece& piece) {
  return piece.cpu >= 0 && (piece.state == PieceState::kRunning || piece.state == PieceState::kInterrupted);
}

bool IsFault(const RecordedPiece& piece) {
  return piece.detail == "page fault";
}

int64_t StateNumber(const CpuSwitch& change) {
  switch (change.previous_state) {
    case PieceState::kBlocked:
      return change.previous_in_fault ? kStateUninterruptible : kStateSleeping;
    case PieceState::kUnknown:
      return kStateNoKernelHas;
    default:
      return kStateRunnable;
  }
}

// A wake-up: the thread stopped to sleep and began to wait.
struct WakeUp {
  int64_t time_ns = 0;
  size_t thread = 0;
  int32_t target_cpu = -1;
  const RecordedWaker* waker = nullptr;  // null: not known
};

// Wakers that were recorded, by thread and the moment at which its wait began.
class WakerBook {
 public:
  explicit WakerBook(const Recording& recording) {
    for (const RecordedSwitch& event : recording.switches) Note(event.thread.tid, event.wait_start_ns(), event.waker);
    for (const RecordedSpike& spike : recording.spikes) {
      if (spike.kind == "run_queue" || spike.kind == "blocked") by_spike_.try_emplace(spike.id, &spike);
    }
  }
  const RecordedWaker* Find(int32_t tid, const RecordedPiece& wait) const {
    if (const auto spike = by_spike_.find(wait.spike_id); spike != by_spike_.end() && spike->second->waker && spike->second->waker->known) {
      return &*spike->second->waker;
    }
    const auto found = by_wait_.find({tid, wait.start_ns});
    return found == by_wait_.end() ? nullptr : found->second;
  }

 private:
  void Note(int32_t tid, int64_t wait_ns, const std::optional<RecordedWaker>& waker) {
    if (waker && waker->known) by_wait_.try_emplace({tid, wait_ns}, &*waker);
  }

  std::map<std::pair<int32_t, int64_t>, const RecordedWaker*> by_wait_;
  std::unordered_map<uint64_t, const RecordedSpike*> by_spike_;
};

std::vector<WakeUp> WakeUpsOf(const Recording& recording, const WakerBook& wakers) {
  std::vector<WakeUp> wake_ups;
  for (size_t i = 0; i < recording.threads.size(); ++i) {
    const RecordedThread& thread = recording.threads[i];
    for (size_t p = 1; p < thread.pieces.size(); ++p) {
      const RecordedPiece& wait = thread.pieces[p];
      const RecordedPiece& before = thread.pieces[p - 1];
      if (wait.state != PieceState::kWaiting || before.state != PieceState::kBlocked || before.end_ns() != wait.start_ns) continue;
      wake_ups.push_back({.time_ns = wait.start_ns, .thread = i, .target_cpu = wait.cpu, .waker = wakers.Find(thread.id.tid, wait)});
    }
  }
  std::stable_sort(wake_ups.begin(), wake_ups.end(), [](const WakeUp& a, const WakeUp& b) { return a.time_ns < b.time_ns; });
  return wake_ups;
}

void FillWakeUp(const Recording& recording, const WakeUp& wake_up, pb::FtraceEvent* event) {
  const RecordedThreadId& woken = recording.threads[wake_up.thread].id;
  event->set_timestamp(static_cast<uint64_t>(wake_up.time_ns));
  event->set_pid(static_cast<uint32_t>(wake_up.waker == nullptr ? kUnknownWakerTid : wake_up.waker->tid));
  if (wake_up.waker != nullptr && wake_up.waker->context == "softirq") event->set_common_flags(kFlagSoftirq);
  if (wake_up.waker != nullptr && (wake_up.waker->context == "hard_irq" || wake_up.waker->context == "nmi")) {
    event->set_common_flags(kFlagHardIrq);
  }
  pb::SchedWakingFtraceEvent* waking = event->mutable_sched_waking();
  waking->set_comm(woken.comm);
  waking->set_pid(woken.tid);
  waking->set_success(1);
  if (wake_up.target_cpu >= 0) waking->set_target_cpu(wake_up.target_cpu);
}

// One CPU's switches as bundles of bounded size.
class SwitchBundles {
 public:
  SwitchBundles(const Recording& recording, int32_t cpu, PerfettoPackets* packets) : recording_(recording), cpu_(cpu), packets_(packets) {
    StartBundle();
  }
  void Add(const CpuSwitch& change) {
    if (compact_->switch_timestamp_size() == static_cast<int>(kSwitchesPerBundle)) {
      Send();
      StartBundle();
    }
    compact_->add_switch_timestamp(static_cast<uint64_t>(change.time_ns - last_ns_));
    last_ns_ = change.time_ns;
    compact_->add_switch_prev_state(StateNumber(change));
    compact_->add_switch_next_prio(kPrioNotKnown);
    const bool nobody = change.next == CpuSwitch::kNobody;
    compact_->add_switch_next_pid(nobody ? kNotWatchedTidBase + cpu_ : recording_.threads[change.next].id.tid);
    compact_->add_switch_next_comm_index(NameIndex(nobody ? kNotWatchedName : recording_.threads[change.next].id.comm));
  }
  void Send() {
    if (compact_->switch_timestamp_size() > 0) packets_->Write(&packet_);
  }

 private:
  static constexpr int32_t kPrioNotKnown = 999;  // no kernel has it: a recording has none
  inline static const std::string kNotWatchedName = "not watched";

  void StartBundle() {
    packet_.Clear();
    names_.clear();
    pb::FtraceEventBundle* bundle = packet_.mutable_ftrace_events();
    bundle->set_cpu(static_cast<uint32_t>(cpu_));
    if (recording_.lost_records > 0) bundle->set_lost_events(true);
    compact_ = bundle->mutable_compact_sched();
    last_ns_ = 0;
  }
  uint32_t NameIndex(const std::string& name) {
    const auto [found, is_new] = names_.try_emplace(name, static_cast<uint32_t>(names_.size()));
    if (is_new) compact_->add_intern_table(name);
    return found->second;
  }

  const Recording& recording_;
  const int32_t cpu_;
  PerfettoPackets* const packets_;
  pb::TracePacket packet_;
  pb::FtraceEventBundle::CompactSched* compact_ = nullptr;
  std::unordered_map<std::string, uint32_t> names_;
  int64_t last_ns_ = 0;
};

void WriteWakeUps(const Recording& recording, const std::vector<WakeUp>& wake_ups, PerfettoPackets* packets) {
  std::map<int32_t, pb::TracePacket> by_cpu;
  for (const WakeUp& wake_up : wake_ups) {
    // Where the waker was; the row is not drawn from these, and nothing else is known.
    const int32_t cpu = wake_up.waker != nullptr && wake_up.waker->cpu >= 0 ? wake_up.waker->cpu : std::max(wake_up.target_cpu, 0);
    if (cpu >= kPerfettoCpusMax) continue;
    pb::TracePacket& packet = by_cpu[cpu];
    packet.mutable_ftrace_events()->set_cpu(static_cast<uint32_t>(cpu));
    FillWakeUp(recording, wake_up, packet.mutable_ftrace_events()->add_event());
    if (packet.ftrace_events().event_size() < static_cast<int>(kSwitchesPerBundle)) continue;
    packets->Write(&packet);
    packet.Clear();
  }
  for (auto& [cpu, packet] : by_cpu) {
    if (packet.ftrace_events().event_size() > 0) packets->Write(&packet);
  }
}

// Who has a CPU while turns on it begin and end.
class CpuOccupants {
 public:
  CpuOccupants(const std::vector<CpuTurn>& turns, std::vector<CpuSwitch>* switches) : turns_(turns), switches_(switches) {}

  void Begin(size_t turn, int64_t time_ns) {
    switches_->push_back(LeftBy(left_, time_ns, turns_[turn].thread));
    left_ = kNone;
    active_.push_back(turn);
  }
  // `another_begins`: at the same moment, and takes the CPU.
  void End(size_t turn, int64_t time_ns, bool another_begins) {
    const bool had_it = active_.back() == turn;
    if (!had_it) {
      // It cannot leave a CPU that it does not have: it had it for that moment.
      switches_->push_back(LeftBy(kNone, time_ns, turns_[turn].thread));
      switches_->push_back(LeftBy(turn, time_ns, turns_[active_.back()].thread));
    }
    std::erase(active_, turn);
    if (!had_it) return;
    if (another_begins) {
      left_ = turn;
    } else {
      switches_->push_back(LeftBy(turn, time_ns, active_.empty() ? CpuSwitch::kNobody : turns_[active_.back()].thread));
    }
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  // `turn` ended; kNone: nobody left, who had the CPU waits for it.
  CpuSwitch LeftBy(size_t turn, int64_t time_ns, size_t next) const {
    CpuSwitch change{.time_ns = time_ns, .next = next};
    if (turn != kNone) {
      change.previous_state = turns_[turn].after;
      change.previous_in_fault = turns_[turn].blocked_in_fault;
    }
    return change;
  }

  const std::vector<CpuTurn>& turns_;
  std::vector<CpuSwitch>* const switches_;
  std::vector<size_t> active_;  // by beginning; the last has the CPU
  size_t left_ = kNone;         // ended now; its leaving is told with the next beginning
};

}  // namespace

std::map<int32_t, std::vector<CpuTurn>> TurnsOf(const Recording& recording) {
  std::map<int32_t, std::vector<CpuTurn>> turns;
  for (size_t i = 0; i < recording.threads.size(); ++i) {
    const std::vector<RecordedPiece>& pieces = recording.threads[i].pieces;
    int64_t left_ns = INT64_MIN;  // when it left its last CPU
    for (size_t p = 0; p < pieces.size(); ++p) {
      if (!HasCpu(pieces[p])) continue;
      CpuTurn turn{.thread = i, .start_ns = pieces[p].start_ns, .end_ns = pieces[p].end_ns()};
      const int32_t cpu = pieces[p].cpu;
      const auto goes_on = [&](size_t next) {
        return next < pieces.size() && HasCpu(pieces[next]) && pieces[next].cpu == cpu && pieces[next].start_ns == turn.end_ns;
      };
      for (; goes_on(p + 1); ++p) turn.end_ns = pieces[p + 1].end_ns();
      const bool is_last = p + 1 == pieces.size();
      turn.open = is_last && turn.end_ns >= recording.end_ns;
      if (!is_last && pieces[p + 1].start_ns == turn.end_ns) {
        turn.after = HasCpu(pieces[p + 1]) ? PieceState::kWaiting : pieces[p + 1].state;
        turn.blocked_in_fault = IsFault(pieces[p + 1]);
      }
      if (turn.start_ns == left_ns && turn.end_ns > turn.start_ns + 1) ++turn.start_ns;
      left_ns = turn.end_ns;
      turns[cpu].push_back(turn);
    }
  }
  for (auto& [cpu, of_cpu] : turns) {
    std::stable_sort(of_cpu.begin(), of_cpu.end(), [](const CpuTurn& a, const CpuTurn& b) { return a.start_ns < b.start_ns; });
  }
  return turns;
}

std::vector<CpuSwitch> SwitchesOf(const std::vector<CpuTurn>& turns) {
  // Ends before beginnings of the same moment.
  std::vector<std::tuple<int64_t, bool, size_t>> edges;  // time, begins, turn
  edges.reserve(2 * turns.size());
  for (size_t i = 0; i < turns.size(); ++i) {
    edges.emplace_back(turns[i].start_ns, true, i);
    if (!turns[i].open) edges.emplace_back(turns[i].end_ns, false, i);
  }
  std::sort(edges.begin(), edges.end());
  std::vector<CpuSwitch> switches;
  CpuOccupants occupants(turns, &switches);
  for (size_t e = 0; e < edges.size(); ++e) {
    const auto [time_ns, begins, turn] = edges[e];
    if (begins) {
      occupants.Begin(turn, time_ns);
    } else {
      const bool another_begins = e + 1 < edges.size() && std::get<0>(edges[e + 1]) == time_ns && std::get<1>(edges[e + 1]);
      occupants.End(turn, time_ns, another_begins);
    }
  }
  return switches;
}

void WriteSched(const Recording& recording, PerfettoPackets* packets) {
  for (const auto& [cpu, turns] : TurnsOf(recording)) {
    if (cpu >= kPerfettoCpusMax) continue;
    SwitchBundles bundles(recording, cpu, packets);
    // A reader takes no slice from a CPU's first switch: it does not know who had the CPU before. This one is there for that.
    bundles.Add({.time_ns = std::min(recording.begin_ns, turns.front().start_ns)});
    for (const CpuSwitch& change : SwitchesOf(turns)) bundles.Add(change);
    bundles.Send();
  }
  const WakerBook wakers(recording);
  WriteWakeUps(recording, WakeUpsOf(recording, wakers), packets);
}

}  // namespace hftmon
