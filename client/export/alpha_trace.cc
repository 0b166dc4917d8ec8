#include "client/export/alpha_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "client/export/perfetto_packets.h"
#include "client/export/perfetto_tracks.h"

namespace hftmon {
namespace {

namespace pb = perfetto::protos;

constexpr char kTrackName[] = "money lost (1 ns = 0.0001 of the currency)";

// All together stay below what a time can be.
constexpr double kUnitsMax = 4e18;

size_t SharedFrames(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const auto differ = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(differ.first - a.begin());
}

// Slices of one track, opened and closed as stacks follow each other.
class Flame {
 public:
  Flame(uint64_t track, PerfettoPackets* packets) : track_(track), packets_(*packets) {}

  void Add(const std::vector<std::string>& names, int64_t units) {
    Keep(SharedFrames(open_, names));
    for (size_t i = open_.size(); i < names.size(); ++i) {
      packets_.BeginSlice(track_, at_units_, "alpha", names[i], {});
      open_.push_back(names[i]);
    }
    at_units_ += units;
  }
  void Finish() { Keep(0); }

 private:
  void Keep(size_t count) {
    for (; open_.size() > count; open_.pop_back()) packets_.EndSlice(track_, at_units_);
  }

  const uint64_t track_;
  PerfettoPackets& packets_;
  std::vector<std::string> open_;
  int64_t at_units_ = 0;
};

}  // namespace

std::string AlphaTrace(const Recording& recording, const std::vector<AlphaFrame>& frames) {
  std::string bytes;
  // No clock's time: that which readers take it for without more.
  PerfettoPackets packets(pb::BUILTIN_CLOCK_BOOTTIME, &bytes);
  PerfettoTracks tracks(&packets);
  const uint64_t about = tracks.Named(0, "hftmon");
  std::vector<SliceFact> facts = {SliceFact::Text("host", recording.host)};
  for (size_t i = 0; i < recording.notes.size(); ++i) facts.push_back(SliceFact::Text(fmt::format("note_{}", i + 1), recording.notes[i]));
  packets.Instant(about, 0, "recording", "widths are money, not time", facts);
  Flame flame(tracks.Named(0, kTrackName), &packets);
  for (const AlphaFrame& frame : frames) {
    const double units = std::round(frame.units);
    if (units >= 1) flame.Add(frame.names, static_cast<int64_t>(std::min(units, kUnitsMax / static_cast<double>(frames.size()))));
  }
  flame.Finish();
  return bytes;
}

}  // namespace hftmon
