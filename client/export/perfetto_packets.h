// PerfettoPackets: writes the packets of one Perfetto trace, as one sequence: the first packet clears the sequence's state, and texts that
// come again are sent once and then named by number. Times are of the clock that the constructor names; who writes slices takes care that
// those of one track nest and come in the order of time.
//
// Threads: one. Bounds: what is written stands in `bytes`.
#ifndef HFTMON_CLIENT_EXPORT_PERFETTO_PACKETS_H_
#define HFTMON_CLIENT_EXPORT_PERFETTO_PACKETS_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "perfetto/trace.pb.h"

namespace hftmon {

// A fact beside a slice, shown when it is selected.
struct SliceFact {
  std::string name;
  enum class Kind : uint8_t { kText, kNumber, kTrue } kind = Kind::kText;
  std::string text;
  int64_t number = 0;

  static SliceFact Text(std::string name, std::string text) { return {std::move(name), Kind::kText, std::move(text), 0}; }
  static SliceFact Number(std::string name, int64_t number) { return {std::move(name), Kind::kNumber, "", number}; }
  static SliceFact True(std::string name) { return {std::move(name), Kind::kTrue, "", 0}; }
};

class PerfettoPackets {
 public:
  // `bytes`: where packets are appended; it outlives this.
  PerfettoPackets(perfetto::protos::BuiltinClock clock, std::string* bytes);

  // Any packet, as it is. Does not keep it.
  void Write(perfetto::protos::TracePacket* packet);

  void BeginSlice(uint64_t track, int64_t time_ns, const std::string& category, const std::string& name,
                  const std::vector<SliceFact>& facts, const std::vector<uint64_t>& flows = {});
  // `ending_flows`: arrows that lead here.
  void EndSlice(uint64_t track, int64_t time_ns, const std::vector<uint64_t>& ending_flows = {});
  void Instant(uint64_t track, int64_t time_ns, const std::string& category, const std::string& name, const std::vector<SliceFact>& facts);
  void Count(uint64_t track, int64_t time_ns, double value);

 private:
  class Texts {
   public:
    // Its number, 1 for the first; `is_new` says that it has to be sent.
    uint64_t NumberOf(const std::string& text, bool* is_new);

   private:
    std::unordered_map<std::string, uint64_t> numbers_;
  };

  perfetto::protos::TrackEvent* NewEvent(int64_t time_ns, uint64_t track, perfetto::protos::TrackEvent::Type type);
  void Describe(const std::string& category, const std::string& name, const std::vector<SliceFact>& facts,
                perfetto::protos::TrackEvent* event);
  void Append(const perfetto::protos::TracePacket& packet);

  std::string* const bytes_;
  perfetto::protos::TracePacket packet_;  // used again: a million of them is an everyday trace
  Texts categories_;
  Texts names_;
  Texts fact_names_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_PERFETTO_PACKETS_H_
