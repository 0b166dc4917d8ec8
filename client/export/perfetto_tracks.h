// PerfettoTracks: the tracks of a trace: numbers them and describes each once, before its first event.
//
// Threads: one. Bounds: a track for each process, thread and name that is asked for.
#ifndef HFTMON_CLIENT_EXPORT_PERFETTO_TRACKS_H_
#define HFTMON_CLIENT_EXPORT_PERFETTO_TRACKS_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "client/export/perfetto_packets.h"

namespace hftmon {

class PerfettoTracks {
 public:
  explicit PerfettoTracks(PerfettoPackets* packets) : packets_(packets) {}

  uint64_t Process(int32_t pid, const std::string& name);
  uint64_t Thread(int32_t pid, int32_t tid, const std::string& name);
  // Below another; `parent` 0: at the top. Several with one name, told apart by `lane`, are drawn as one.
  uint64_t Named(uint64_t parent, const std::string& name, size_t lane = 0);
  uint64_t Counter(uint64_t parent, const std::string& name, const std::string& unit);

 private:
  uint64_t Describe(perfetto::protos::TrackDescriptor* descriptor, perfetto::protos::TracePacket* packet);

  PerfettoPackets* const packets_;
  uint64_t last_ = 0;
  std::map<int32_t, uint64_t> processes_;
  std::map<int32_t, uint64_t> threads_;
  std::map<std::tuple<uint64_t, std::string, size_t>, uint64_t> named_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_PERFETTO_TRACKS_H_
