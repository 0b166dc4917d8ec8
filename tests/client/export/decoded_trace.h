// DecodedTrace: what a reader of a Perfetto trace makes of it, by the rules of Perfetto's trace processor: packets in the order of their
// times, texts looked up by number, an end closing what was opened last on its track, an arrow from the earlier event to the later one, and
// no slice made of a CPU's first compact switch. What breaks a rule is in `errors`.
#ifndef HFTMON_TESTS_CLIENT_EXPORT_DECODED_TRACE_H_
#define HFTMON_TESTS_CLIENT_EXPORT_DECODED_TRACE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "perfetto/trace.pb.h"

namespace hftmon {

struct DecodedTrack {
  std::string name;
  uint64_t parent = 0;
  int32_t pid = 0;
  int32_t tid = 0;
  bool is_counter = false;
};

struct DecodedSlice {
  uint64_t track = 0;
  int64_t start_ns = 0;
  int64_t end_ns = -1;  // -1: never ended
  int depth = 0;
  std::string name;
  std::string category;
  std::map<std::string, std::string> facts;
};

// A turn of a thread on a CPU.
struct DecodedTurn {
  int32_t cpu = 0;
  int32_t tid = 0;
  std::string comm;
  int64_t start_ns = 0;
  int64_t end_ns = -1;  // -1: until the trace's end
  int64_t end_state = 0;
};

struct DecodedWaking {
  int64_t time_ns = 0;
  int32_t waker_tid = 0;
  int32_t tid = 0;
  uint32_t flags = 0;
};

struct DecodedTrace {
  size_t packet_count = 0;
  size_t event_count = 0;
  std::map<uint64_t, DecodedTrack> tracks;
  std::vector<DecodedSlice> slices;
  std::vector<DecodedSlice> instants;                                    // without an end
  std::map<uint64_t, std::vector<std::pair<int64_t, double>>> counters;  // by track
  std::vector<std::pair<size_t, size_t>> flows;                          // from a slice to a slice
  std::vector<DecodedTurn> turns;
  std::vector<DecodedWaking> wakings;
  std::map<int32_t, int64_t> clocks;  // of the snapshot
  int32_t primary_clock = 0;
  std::map<int32_t, std::string> thread_names;  // of the process tree
  bool lost_events = false;
  std::vector<std::string> errors;

  // Slices on the tracks of that name, lanes together, below the thread (0: any) at that depth (-1: any).
  size_t CountSlices(const std::string& track_name, int32_t tid = 0, int depth = -1) const;
  // The names on the way from the top to the track.
  std::string PathOf(uint64_t track) const;
};

DecodedTrace DecodeTrace(std::string_view bytes);

}  // namespace hftmon

#endif  // HFTMON_TESTS_CLIENT_EXPORT_DECODED_TRACE_H_
