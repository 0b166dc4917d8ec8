#include "client/export/perfetto_packets.h"

namespace hftmon {
namespace {

namespace pb = perfetto::protos;

constexpr uint32_t kSequence = 1;
constexpr char kPacketTag = 0x0a;  // field 1 of Trace, with a length
// Names that come once would fill the table of texts for nothing.
constexpr size_t kInternedBytesMax = 96;

}  // namespace

uint64_t PerfettoPackets::Texts::NumberOf(const std::string& text, bool* is_new) {
  const auto [found, inserted] = numbers_.try_emplace(text, numbers_.size() + 1);
  *is_new = inserted;
  return found->second;
}

PerfettoPackets::PerfettoPackets(pb::BuiltinClock clock, std::string* bytes) : bytes_(bytes) {
  pb::TracePacket first;
  first.set_trusted_packet_sequence_id(kSequence);
  first.set_sequence_flags(pb::TracePacket::SEQ_INCREMENTAL_STATE_CLEARED);
  first.set_first_packet_on_sequence(true);
  first.mutable_trace_packet_defaults()->set_timestamp_clock_id(clock);
  Append(first);
}

void PerfettoPackets::Write(pb::TracePacket* packet) {
  packet->set_trusted_packet_sequence_id(kSequence);
  packet->set_sequence_flags(pb::TracePacket::SEQ_NEEDS_INCREMENTAL_STATE);
  Append(*packet);
}

void PerfettoPackets::Append(const pb::TracePacket& packet) {
  bytes_->push_back(kPacketTag);
  uint64_t length = packet.ByteSizeLong();
  for (; length >= 0x80; length >>= 7) bytes_->push_back(static_cast<char>(length | 0x80));
  bytes_->push_back(static_cast<char>(length));
  packet.AppendToString(bytes_);
}

pb::TrackEvent* PerfettoPackets::NewEvent(int64_t time_ns, uint64_t track, pb::TrackEvent::Type type) {
  packet_.Clear();
  packet_.set_timestamp(static_cast<uint64_t>(time_ns));
  pb::TrackEvent* event = packet_.mutable_track_event();
  event->set_track_uuid(track);
  event->set_type(type);
  return event;
}

void PerfettoPackets::Describe(const std::string& category, const std::string& name, const std::vector<SliceFact>& facts,
                               pb::TrackEvent* event) {
  bool is_new = false;
  const uint64_t category_number = categories_.NumberOf(category, &is_new);
  event->add_category_iids(category_number);
  if (is_new) {
    pb::EventCategory* sent = packet_.mutable_interned_data()->add_event_categories();
    sent->set_iid(category_number);
    sent->set_name(category);
  }
  if (name.size() <= kInternedBytesMax) {
    const uint64_t name_number = names_.NumberOf(name, &is_new);
    event->set_name_iid(name_number);
    if (is_new) {
      pb::EventName* sent = packet_.mutable_interned_data()->add_event_names();
      sent->set_iid(name_number);
      sent->set_name(name);
    }
  } else {
    event->set_name(name);
  }
  for (const SliceFact& fact : facts) {
    pb::DebugAnnotation* annotation = event->add_debug_annotations();
    const uint64_t number = fact_names_.NumberOf(fact.name, &is_new);
    annotation->set_name_iid(number);
    if (is_new) {
      pb::DebugAnnotationName* sent = packet_.mutable_interned_data()->add_debug_annotation_names();
      sent->set_iid(number);
      sent->set_name(fact.name);
    }
    if (fact.kind == SliceFact::Kind::kText) annotation->set_string_value(fact.text);
    if (fact.kind == SliceFact::Kind::kNumber) annotation->set_int_value(fact.number);
    if (fact.kind == SliceFact::Kind::kTrue) annotation->set_bool_value(true);
  }
}

void PerfettoPackets::BeginSlice(uint64_t track, int64_t time_ns, const std::string& category, const std::string& name,
                                 const std::vector<SliceFact>& facts, const std::vector<uint64_t>& flows) {
  pb::TrackEvent* event = NewEvent(time_ns, track, pb::TrackEvent::TYPE_SLICE_BEGIN);
  Describe(category, name, facts, event);
  for (const uint64_t flow : flows) event->add_flow_ids(flow);
  Write(&packet_);
}

void PerfettoPackets::EndSlice(uint64_t track, int64_t time_ns, const std::vector<uint64_t>& ending_flows) {
  pb::TrackEvent* event = NewEvent(time_ns, track, pb::TrackEvent::TYPE_SLICE_END);
  for (const uint64_t flow : ending_flows) event->add_terminating_flow_ids(flow);
  Write(&packet_);
}

void PerfettoPackets::Instant(uint64_t track, int64_t time_ns, const std::string& category, const std::string& name,
                              const std::vector<SliceFact>& facts) {
  Describe(category, name, facts, NewEvent(time_ns, track, pb::TrackEvent::TYPE_INSTANT));
  Write(&packet_);
}

void PerfettoPackets::Count(uint64_t track, int64_t time_ns, double value) {
  NewEvent(time_ns, track, pb::TrackEvent::TYPE_COUNTER)->set_double_counter_value(value);
  Write(&packet_);
}

}  // namespace hftmon
