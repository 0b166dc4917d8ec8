// export_bench: how long it takes to make a Perfetto trace, an HTML report and a table of a recording of many events, and to decode the
// trace.
//
// Prints one JSON line: events, bytes, and the least time of each over some rounds. "parse" is protobuf's own work on the whole file;
// "decode" is that, the sorting and the pairing that a reader does (tests/client/export/decoded_trace.h), in a test's own plain code.
// Usage: export_bench [events, default 1000000] [rounds, default 3]. Exit code: 1 when a decoded count is not the recording's, else 0.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "client/export/csv_tables.h"
#include "client/export/html_report.h"
#include "client/export/perfetto_slices.h"
#include "client/export/perfetto_trace.h"
#include "tests/client/export/decoded_trace.h"
#include "tests/client/export/sample_recording.h"

namespace hftmon {
namespace {

double LeastMs(int rounds, const std::function<void()>& work) {
  double least_ms = 1e18;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    least_ms = std::min(least_ms, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  return least_ms;
}

int Run(size_t event_count, int rounds) {
  const Recording recording = LargeRecording(event_count);
  size_t pieces = 0;
  for (const RecordedThread& thread : recording.threads) pieces += thread.pieces.size();
  std::string bytes;
  const double export_ms = LeastMs(rounds, [&] { bytes = PerfettoTrace(recording); });
  perfetto::protos::Trace parsed;
  const double parse_ms = LeastMs(rounds, [&] { parsed.ParseFromString(bytes); });
  parsed.Clear();
  DecodedTrace trace;
  const double decode_ms = LeastMs(rounds, [&] { trace = DecodeTrace(bytes); });
  std::string html;
  const double html_ms = LeastMs(rounds, [&] { html = HtmlReport(recording, {.zone = absl::UTCTimeZone()}); });
  size_t csv_bytes = 0;
  const double csv_ms = LeastMs(rounds, [&] {
    csv_bytes = 0;
    for (const CsvTable& table : CsvTables()) csv_bytes += table.text(recording).size();
  });
  std::printf("%s\n",
              fmt::format("{{\"pieces\":{},\"spikes\":{},\"trace_events\":{},\"trace_bytes\":{},\"export_ms\":{:.0f},\"parse_ms\":{:.0f},"
                          "\"decode_ms\":{:.0f},\"html_bytes\":{},\"html_ms\":{:.0f},\"csv_bytes\":{},\"csv_ms\":{:.0f}}}",
                          pieces, recording.spikes.size(), trace.event_count, bytes.size(), export_ms, parse_ms, decode_ms, html.size(),
                          html_ms, csv_bytes, csv_ms)
                  .c_str());
  return trace.errors.empty() && trace.CountSlices(kStallsTrack, 0, 0) == recording.spikes.size() ? 0 : 1;
}

}  // namespace
}  // namespace hftmon

int main(int argc, char** argv) {
  const long events = argc > 1 ? std::atol(argv[1]) : 1'000'000;
  const long rounds = argc > 2 ? std::atol(argv[2]) : 3;
  if (events < 1 || rounds < 1) {
    std::fprintf(stderr, "usage: export_bench [events] [rounds]\n");
    return 1;
  }
  return hftmon::Run(static_cast<size_t>(events), static_cast<int>(rounds));
}
