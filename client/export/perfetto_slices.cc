#include "client/export/perfetto_slices.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "client/export/perfetto_sched.h"
#include "client/export/slice_lanes.h"

namespace hftmon {
namespace {

struct PlacedSlice {
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  std::string name;
  std::vector<SliceFact> facts;
  uint64_t flow = 0;  // an arrow that begins here; 0: none
};

struct PlacedSpike {
  const RecordedSpike* spike = nullptr;
  std::vector<PlacedSlice> parts;  // end to end
  std::vector<uint64_t> flows;     // arrows that end here
};

bool IsInterrupt(const RecordedCause& cause) {
  return cause.kind == "nmi" || cause.kind == "hard_irq" || cause.kind == "softirq";
}

bool IsOfOperation(const RecordedSpike& spike) {
  return spike.kind == "operation" || spike.kind == "gap";
}

std::string CauseName(const RecordedCause& cause) {
  const std::string actor = ActorName(cause);
  return actor.empty() ? cause.kind : fmt::format("{}: {}", cause.kind, actor);
}

bool HasCpuBeyond(const Recording& recording) {
  return std::any_of(recording.threads.begin(), recording.threads.end(), [](const RecordedThread& thread) {
    return std::any_of(thread.pieces.begin(), thread.pieces.end(),
                       [](const RecordedPiece& piece) { return piece.cpu >= kPerfettoCpusMax; });
  });
}

class SliceWriter {
 public:
  SliceWriter(const Recording& recording, PerfettoTracks* tracks, PerfettoPackets* packets)
      : recording_(recording), tracks_(*tracks), packets_(*packets) {}

  void WriteAll() {
    WriteAbout();
    WriteSpikes();
    WriteInterrupts();
    WriteInstants();
    WriteCounters();
  }

 private:
  void WriteAbout();
  void WriteSpikes();
  void WriteSpike(const PlacedSpike& placed, uint64_t track);
  PlacedSpike Place(const RecordedSpike& spike);
  void PlaceActor(const RecordedSpike& spike, const RecordedCause& cause, PlacedSlice* part, PlacedSpike* placed);
  void WriteActors();
  void WriteLanes(uint64_t parent, const std::string& name, const std::string& category, std::vector<PlacedSlice> slices);
  void WriteInterrupts();
  void WriteInstants();
  void WriteCounters();

  const Recording& recording_;
  PerfettoTracks& tracks_;
  PerfettoPackets& packets_;
  uint64_t last_flow_ = 0;
  // What actors took, by their track's parent and name.
  std::map<std::pair<uint64_t, std::string>, std::vector<PlacedSlice>> took_;
};

void SliceWriter::WriteAbout() {
  const uint64_t track = tracks_.Named(0, kAboutTrack);
  std::vector<SliceFact> facts = {SliceFact::Text("host", recording_.host), SliceFact::Text("kernel", recording_.kernel),
                                  SliceFact::Text("hftmond", recording_.daemon_version),
                                  SliceFact::Text("hftmon", recording_.recorder_version),
                                  SliceFact::Number("lost_records", static_cast<int64_t>(recording_.lost_records))};
  for (size_t i = 0; i < recording_.notes.size(); ++i) {
    facts.push_back(SliceFact::Text(fmt::format("note_{}", i + 1), recording_.notes[i]));
  }
  if (HasCpuBeyond(recording_)) facts.push_back(SliceFact::Text("cpus", "CPUs from 1024 on have no rows: Perfetto takes none"));
  packets_.Instant(track, recording_.begin_ns, "recording", "recording begins", facts);
  // Also what lasts is drawn to the last event: this one.
  packets_.Instant(track, recording_.end_ns, "recording", recording_.whole ? "recording ends" : "recording was cut off", {});
}

// An actor's own slice, with the arrow from it to the victim.
void SliceWriter::PlaceActor(const RecordedSpike& spike, const RecordedCause& cause, PlacedSlice* part, PlacedSpike* placed) {
  const bool interrupt = IsInterrupt(cause);
  if (!interrupt && (cause.kind != "thread" || cause.tid == 0)) return;
  PlacedSlice slice = *part;
  slice.flow = ++last_flow_;
  placed->flows.push_back(slice.flow);
  slice.name = fmt::format("from {}[{}]", spike.thread.comm, spike.thread.tid);
  slice.facts.push_back(SliceFact::Number("spike_id", static_cast<int64_t>(spike.id)));
  const uint64_t parent = interrupt ? tracks_.Named(0, kInterruptCausesTrack) : tracks_.Thread(cause.pid, cause.tid, cause.comm);
  took_[{parent, interrupt ? CauseName(cause) : kTookTrack}].push_back(std::move(slice));
}

PlacedSpike SliceWriter::Place(const RecordedSpike& spike) {
  PlacedSpike placed{.spike = &spike};
  int64_t at_ns = spike.start_ns;
  for (const RecordedCause& cause : spike.causes) {
    PlacedSlice part{.start_ns = at_ns, .end_ns = std::min(at_ns + cause.duration_ns, spike.end_ns()), .name = CauseName(cause)};
    at_ns = part.end_ns;
    part.facts.push_back(SliceFact::Text("place", "the length is measured; where it lies in the stall is not known"));
    if (cause.cpu >= 0) part.facts.push_back(SliceFact::Number("cpu", cause.cpu));
    if (cause.estimated) part.facts.push_back(SliceFact::True("estimated"));
    if (!cause.evidence.empty()) part.facts.push_back(SliceFact::Text("evidence", cause.evidence));
    PlaceActor(spike, cause, &part, &placed);
    placed.parts.push_back(std::move(part));
  }
  if (spike.unexplained_ns > 0) placed.parts.push_back({.start_ns = at_ns, .end_ns = spike.end_ns(), .name = "unexplained"});
  return placed;
}

void SliceWriter::WriteSpike(const PlacedSpike& placed, uint64_t track) {
  const RecordedSpike& spike = *placed.spike;
  std::vector<SliceFact> facts = {SliceFact::Number("spike_id", static_cast<int64_t>(spike.id)), SliceFact::Number("cpu", spike.cpu),
                                  SliceFact::Number("unexplained_ns", spike.unexplained_ns)};
  if (IsOfOperation(spike)) facts.push_back(SliceFact::Number("value", static_cast<int64_t>(spike.operation_value)));
  if (spike.in_progress) facts.push_back(SliceFact::True("in_progress"));
  if (spike.inconclusive) facts.push_back(SliceFact::Text("inconclusive", spike.inconclusive_reason));
  if (!spike.user_stack.empty()) facts.push_back(SliceFact::Text("user_stack", absl::StrJoin(spike.user_stack, "\n")));
  if (!spike.kernel_stack.empty()) facts.push_back(SliceFact::Text("kernel_stack", absl::StrJoin(spike.kernel_stack, "\n")));
  packets_.BeginSlice(track, spike.start_ns, spike.kind, spike.operation.empty() ? spike.kind : spike.kind + ": " + spike.operation, facts);
  for (const PlacedSlice& part : placed.parts) {
    packets_.BeginSlice(track, part.start_ns, "cause", part.name, part.facts);
    packets_.EndSlice(track, part.end_ns);
  }
  // An arrow leads to the one of its two events that comes later: the spike's end.
  packets_.EndSlice(track, spike.end_ns(), placed.flows);
}

void SliceWriter::WriteSpikes() {
  // By thread and track; a tid that was given anew has its own ThreadId, and Perfetto's one track.
  std::map<std::pair<int32_t, bool>, std::vector<PlacedSpike>> by_track;
  for (const RecordedSpike& spike : recording_.spikes) by_track[{spike.thread.tid, IsOfOperation(spike)}].push_back(Place(spike));
  // Where arrows begin comes before where they end, of the same moment too.
  WriteActors();
  for (const auto& [key, placed] : by_track) {
    std::vector<LaneSpan> spans;
    for (const PlacedSpike& each : placed) spans.push_back({each.spike->start_ns, each.spike->end_ns()});
    const std::vector<size_t> lanes = LanesOf(spans);
    const RecordedThreadId& id = placed.front().spike->thread;
    const uint64_t thread = tracks_.Thread(id.pid, id.tid, id.comm);
    for (size_t i = 0; i < placed.size(); ++i) {
      WriteSpike(placed[i], tracks_.Named(thread, key.second ? kOperationsTrack : kStallsTrack, lanes[i]));
    }
  }
}

void SliceWriter::WriteLanes(uint64_t parent, const std::string& name, const std::string& category, std::vector<PlacedSlice> slices) {
  std::stable_sort(slices.begin(), slices.end(), [](const PlacedSlice& a, const PlacedSlice& b) { return a.start_ns < b.start_ns; });
  std::vector<LaneSpan> spans;
  for (const PlacedSlice& slice : slices) spans.push_back({slice.start_ns, slice.end_ns});
  const std::vector<size_t> lanes = LanesOf(spans);
  for (size_t i = 0; i < slices.size(); ++i) {
    const uint64_t track = tracks_.Named(parent, name, lanes[i]);
    const std::vector<uint64_t> flows(slices[i].flow == 0 ? 0 : 1, slices[i].flow);
    packets_.BeginSlice(track, slices[i].start_ns, category, slices[i].name, slices[i].facts, flows);
    packets_.EndSlice(track, slices[i].end_ns);
  }
}

void SliceWriter::WriteActors() {
  for (auto& [key, slices] : took_) WriteLanes(key.first, key.second, "took", std::move(slices));
  took_.clear();
}

void SliceWriter::WriteInterrupts() {
  std::map<int32_t, std::vector<PlacedSlice>> by_cpu;
  for (const RecordedThread& thread : recording_.threads) {
    for (const RecordedPiece& piece : thread.pieces) {
      if (piece.state != PieceState::kInterrupted || piece.cpu < 0) continue;
      by_cpu[piece.cpu].push_back({.start_ns = piece.start_ns,
                                   .end_ns = piece.end_ns(),
                                   .name = piece.detail.empty() ? "interrupt" : piece.detail,
                                   .facts = {SliceFact::Text("thread", fmt::format("{}[{}]", thread.id.comm, thread.id.tid))}});
    }
  }
  if (by_cpu.empty()) return;
  const uint64_t parent = tracks_.Named(0, kInterruptsTrack);
  for (auto& [cpu, slices] : by_cpu) WriteLanes(parent, fmt::format("CPU {}", cpu), "interrupt", std::move(slices));
}

void SliceWriter::WriteInstants() {
  for (const RecordedSwitch& event : recording_.switches) {
    const RecordedThreadId& id = event.thread;
    if (event.kind == "migration") {
      const uint64_t track = tracks_.Named(tracks_.Thread(id.pid, id.tid, id.comm), kMigrationsTrack);
      packets_.Instant(track, event.start_ns, "migration", fmt::format("CPU {} to {}", event.cpu_out, event.cpu_in),
                       {SliceFact::Text("reason", event.migration_reason)});
    } else if (event.waker && event.waker->known) {
      const RecordedWaker& waker = *event.waker;
      const uint64_t track = tracks_.Named(tracks_.Thread(id.pid, id.tid, id.comm), kWakeUpsTrack);
      const bool by_thread = waker.context == "thread";
      packets_.Instant(
          track, waker.woken_ns, "wake-up",
          by_thread ? fmt::format("by {}[{}]", waker.comm, waker.tid) : fmt::format("by {} {}", waker.context, waker.interrupt),
          {SliceFact::Number("cpu", waker.cpu)});
    }
  }
}

void SliceWriter::WriteCounters() {
  for (const RecordedCounter& counter : recording_.counters) {
    const uint64_t parent = counter.tid != 0 ? tracks_.Thread(counter.pid, counter.tid, "") : tracks_.Process(counter.pid, "");
    const uint64_t track = tracks_.Counter(parent, counter.metric + (counter.estimated ? " (estimated)" : ""), counter.unit);
    for (const CounterSample& sample : counter.samples) packets_.Count(track, sample.time_ns, sample.value);
  }
}

}  // namespace

void WriteSlices(const Recording& recording, PerfettoTracks* tracks, PerfettoPackets* packets) {
  SliceWriter(recording, tracks, packets).WriteAll();
}

}  // namespace hftmon
