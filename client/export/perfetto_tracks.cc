#include "client/export/perfetto_tracks.h"

#include <fmt/format.h>

namespace hftmon {
namespace {

namespace pb = perfetto::protos;

// Numbers are of one trace; small ones would be those of other writers' default tracks.
constexpr uint64_t kFirstTrack = 0x6874'0000'0001;

}  // namespace

uint64_t PerfettoTracks::Describe(pb::TrackDescriptor* descriptor, pb::TracePacket* packet) {
  const uint64_t track = kFirstTrack + last_++;
  descriptor->set_uuid(track);
  packets_->Write(packet);
  return track;
}

uint64_t PerfettoTracks::Process(int32_t pid, const std::string& name) {
  const auto [found, is_new] = processes_.try_emplace(pid, 0);
  if (!is_new) return found->second;
  pb::TracePacket packet;
  pb::TrackDescriptor* descriptor = packet.mutable_track_descriptor();
  descriptor->mutable_process()->set_pid(pid);
  descriptor->mutable_process()->set_process_name(name.empty() ? fmt::format("process {}", pid) : name);
  return found->second = Describe(descriptor, &packet);
}

uint64_t PerfettoTracks::Thread(int32_t pid, int32_t tid, const std::string& name) {
  const auto [found, is_new] = threads_.try_emplace(tid, 0);
  if (!is_new) return found->second;
  pb::TracePacket packet;
  pb::TrackDescriptor* descriptor = packet.mutable_track_descriptor();
  descriptor->mutable_thread()->set_pid(pid);
  descriptor->mutable_thread()->set_tid(tid);
  descriptor->mutable_thread()->set_thread_name(name);
  return found->second = Describe(descriptor, &packet);
}

uint64_t PerfettoTracks::Named(uint64_t parent, const std::string& name, size_t lane) {
  const auto [found, is_new] = named_.try_emplace(std::make_tuple(parent, name, lane), 0);
  if (!is_new) return found->second;
  pb::TracePacket packet;
  pb::TrackDescriptor* descriptor = packet.mutable_track_descriptor();
  if (parent != 0) descriptor->set_parent_uuid(parent);
  descriptor->set_name(name);
  return found->second = Describe(descriptor, &packet);
}

uint64_t PerfettoTracks::Counter(uint64_t parent, const std::string& name, const std::string& unit) {
  pb::TracePacket packet;
  pb::TrackDescriptor* descriptor = packet.mutable_track_descriptor();
  if (parent != 0) descriptor->set_parent_uuid(parent);
  descriptor->set_name(name);
  pb::CounterDescriptor* counter = descriptor->mutable_counter();
  if (unit == "ns") {
    counter->set_unit(pb::CounterDescriptor::UNIT_TIME_NS);
  } else if (unit == "count") {
    counter->set_unit(pb::CounterDescriptor::UNIT_COUNT);
  } else if (!unit.empty()) {
    counter->set_unit_name(unit);
  }
  return Describe(descriptor, &packet);
}

}  // namespace hftmon
