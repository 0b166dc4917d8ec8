#include "tests/client/export/decoded_trace.h"

#include <algorithm>

namespace hftmon {
namespace {

namespace pb = perfetto::protos;

class Decoder {
 public:
  DecodedTrace Decode(std::string_view bytes) && {
    if (!file_.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      Error("no trace");
      return std::move(out_);
    }
    out_.packet_count = static_cast<size_t>(file_.packet_size());
    for (const pb::TracePacket& packet : file_.packet()) Tokenize(packet);
    std::stable_sort(events_.begin(), events_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [time_ns, packet] : events_) Event(time_ns, *packet);
    Switches();
    out_.event_count += events_.size();
    for (const auto& [track, open] : open_) {
      if (!open.empty()) Error("a slice of track " + out_.PathOf(track) + " never ends");
    }
    return std::move(out_);
  }

 private:
  void Error(const std::string& text) { out_.errors.push_back(text); }

  // In the order of the file: what a reader does before it sorts.
  void Tokenize(const pb::TracePacket& packet) {
    if (packet.trusted_packet_sequence_id() == 0) Error("a packet without a sequence");
    const bool clears = (packet.sequence_flags() & pb::TracePacket::SEQ_INCREMENTAL_STATE_CLEARED) != 0;
    if (!clears && !cleared_) Error("the sequence's state was never cleared");
    if (!clears && (packet.sequence_flags() & pb::TracePacket::SEQ_NEEDS_INCREMENTAL_STATE) == 0) Error("a packet that needs no state");
    cleared_ |= clears;
    if (packet.has_trace_packet_defaults()) default_clock_ = packet.trace_packet_defaults().timestamp_clock_id();
    for (const pb::EventCategory& text : packet.interned_data().event_categories()) Intern(text.iid(), text.name(), &categories_);
    for (const pb::EventName& text : packet.interned_data().event_names()) Intern(text.iid(), text.name(), &names_);
    for (const pb::DebugAnnotationName& text : packet.interned_data().debug_annotation_names())
      Intern(text.iid(), text.name(), &fact_names_);
    if (packet.has_clock_snapshot()) {
      for (const auto& clock : packet.clock_snapshot().clocks()) {
        out_.clocks[static_cast<int32_t>(clock.clock_id())] = static_cast<int64_t>(clock.timestamp());
      }
      out_.primary_clock = packet.clock_snapshot().primary_trace_clock();
    }
    if (packet.has_track_descriptor()) Track(packet.track_descriptor());
    for (const auto& thread : packet.process_tree().threads()) out_.thread_names[thread.tid()] = thread.name();
    if (packet.has_ftrace_events()) Bundle(packet.ftrace_events());
    if (packet.has_track_event()) {
      if (default_clock_ == 0 && !packet.has_timestamp_clock_id()) Error("an event of no clock");
      if (!out_.tracks.contains(packet.track_event().track_uuid())) Error("an event of a track that was not described before");
      // Numbers hold for what was interned up to here.
      Check(packet.track_event());
      events_.emplace_back(static_cast<int64_t>(packet.timestamp()), &packet);
    }
  }

  void Intern(uint64_t number, const std::string& text, std::map<uint64_t, std::string>* texts) {
    if (number == 0 || !texts->emplace(number, text).second) Error("a number of a text that cannot be: " + text);
  }
  void Check(const pb::TrackEvent& event) {
    if (event.has_name_iid() && !names_.contains(event.name_iid())) Error("a name that was not sent");
    for (const uint64_t number : event.category_iids()) {
      if (!categories_.contains(number)) Error("a category that was not sent");
    }
    for (const auto& fact : event.debug_annotations()) {
      if (!fact_names_.contains(fact.name_iid())) Error("the name of a fact that was not sent");
    }
  }

  void Track(const pb::TrackDescriptor& descriptor) {
    DecodedTrack track{.name = descriptor.name(), .parent = descriptor.parent_uuid(), .is_counter = descriptor.has_counter()};
    if (descriptor.has_process()) track = {.name = descriptor.process().process_name(), .pid = descriptor.process().pid()};
    if (descriptor.has_thread()) {
      track = {.name = descriptor.thread().thread_name(), .pid = descriptor.thread().pid(), .tid = descriptor.thread().tid()};
    }
    if (track.parent != 0 && !out_.tracks.contains(track.parent)) Error("a track below one that is not there");
    if (!out_.tracks.emplace(descriptor.uuid(), track).second) Error("a track described twice");
  }

  void Bundle(const pb::FtraceEventBundle& bundle) {
    out_.lost_events |= bundle.lost_events();
    const auto cpu = static_cast<int32_t>(bundle.cpu());
    const auto& compact = bundle.compact_sched();
    const int count = compact.switch_timestamp_size();
    if (compact.switch_prev_state_size() != count || compact.switch_next_pid_size() != count || compact.switch_next_prio_size() != count ||
        compact.switch_next_comm_index_size() != count) {
      return Error("arrays of switches of unequal length");
    }
    int64_t time_ns = 0;
    for (int i = 0; i < count; ++i) {
      time_ns += static_cast<int64_t>(compact.switch_timestamp(i));
      if (compact.switch_next_comm_index(i) >= static_cast<uint32_t>(compact.intern_table_size()))
        return Error("a name that is not in the bundle");
      switches_.push_back({cpu, compact.switch_next_pid(i), compact.intern_table(static_cast<int>(compact.switch_next_comm_index(i))),
                           time_ns, -1, compact.switch_prev_state(i)});
    }
    for (const pb::FtraceEvent& event : bundle.event()) {
      out_.wakings.push_back(
          {static_cast<int64_t>(event.timestamp()), static_cast<int32_t>(event.pid()), event.sched_waking().pid(), event.common_flags()});
    }
    out_.event_count += static_cast<size_t>(count + bundle.event_size());
  }

  // `end_state` of a switch is that of who had the CPU before.
  void Switches() {
    std::stable_sort(switches_.begin(), switches_.end(),
                     [](const DecodedTurn& a, const DecodedTurn& b) { return a.start_ns < b.start_ns; });
    std::map<int32_t, size_t> running;  // CPU → its turn
    std::map<int32_t, bool> seen;
    for (const DecodedTurn& change : switches_) {
      if (!seen[change.cpu]) {
        seen[change.cpu] = true;
        continue;
      }
      if (const auto before = running.find(change.cpu); before != running.end()) {
        out_.turns[before->second].end_ns = change.start_ns;
        out_.turns[before->second].end_state = change.end_state;
      }
      running[change.cpu] = out_.turns.size();
      out_.turns.push_back({change.cpu, change.tid, change.comm, change.start_ns, -1, 0});
    }
  }

  void Event(int64_t time_ns, const pb::TracePacket& packet) {
    const pb::TrackEvent& event = packet.track_event();
    std::vector<size_t>& open = open_[event.track_uuid()];
    switch (event.type()) {
      case pb::TrackEvent::TYPE_SLICE_BEGIN:
        out_.slices.push_back(Described(time_ns, event));
        out_.slices.back().depth = static_cast<int>(open.size());
        open.push_back(out_.slices.size() - 1);
        Flows(event, open.back());
        return;
      case pb::TrackEvent::TYPE_SLICE_END:
        if (open.empty()) return Error("an end without a beginning on " + out_.PathOf(event.track_uuid()));
        out_.slices[open.back()].end_ns = time_ns;
        Flows(event, open.back());
        open.pop_back();
        return;
      case pb::TrackEvent::TYPE_INSTANT:
        out_.instants.push_back(Described(time_ns, event));
        return;
      case pb::TrackEvent::TYPE_COUNTER:
        if (!out_.tracks[event.track_uuid()].is_counter) Error("a value on a track that is no counter");
        out_.counters[event.track_uuid()].emplace_back(time_ns, event.double_counter_value());
        return;
      default:
        Error("an event of no type");
    }
  }

  DecodedSlice Described(int64_t time_ns, const pb::TrackEvent& event) {
    DecodedSlice slice{.track = event.track_uuid(), .start_ns = time_ns};
    slice.name = event.has_name_iid() ? names_[event.name_iid()] : event.name();
    if (event.category_iids_size() > 0) slice.category = categories_[event.category_iids(0)];
    for (const auto& fact : event.debug_annotations()) {
      slice.facts[fact_names_[fact.name_iid()]] = fact.has_string_value() ? fact.string_value()
                                                  : fact.has_int_value()  ? std::to_string(fact.int_value())
                                                                          : "true";
    }
    return slice;
  }

  void Flows(const pb::TrackEvent& event, size_t slice) {
    for (const uint64_t flow : event.flow_ids()) {
      if (!flow_begins_.emplace(flow, slice).second) Error("an arrow begins twice");
    }
    for (const uint64_t flow : event.terminating_flow_ids()) {
      const auto begin = flow_begins_.find(flow);
      if (begin == flow_begins_.end()) {
        Error("an arrow ends before it begins");
      } else {
        out_.flows.emplace_back(begin->second, slice);
      }
    }
  }

  DecodedTrace out_;
  pb::Trace file_;
  bool cleared_ = false;
  uint32_t default_clock_ = 0;
  std::map<uint64_t, std::string> categories_;
  std::map<uint64_t, std::string> names_;
  std::map<uint64_t, std::string> fact_names_;
  std::vector<std::pair<int64_t, const pb::TracePacket*>> events_;
  std::map<uint64_t, std::vector<size_t>> open_;
  std::map<uint64_t, size_t> flow_begins_;
  std::vector<DecodedTurn> switches_;
};

}  // namespace

size_t DecodedTrace::CountSlices(const std::string& track_name, int32_t tid, int depth) const {
  return static_cast<size_t>(std::count_if(slices.begin(), slices.end(), [&](const DecodedSlice& slice) {
    const DecodedTrack& track = tracks.at(slice.track);
    if (track.name != track_name || (depth >= 0 && slice.depth != depth)) return false;
    return tid == 0 || (track.parent != 0 && tracks.at(track.parent).tid == tid);
  }));
}

std::string DecodedTrace::PathOf(uint64_t track) const {
  const auto found = tracks.find(track);
  if (found == tracks.end()) return "?";
  return found->second.parent == 0 ? found->second.name : PathOf(found->second.parent) + "/" + found->second.name;
}

DecodedTrace DecodeTrace(std::string_view bytes) {
  return Decoder().Decode(bytes);
}

}  // namespace hftmon
