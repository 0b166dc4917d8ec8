#include "daemon/numa/probe_report.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace hftmon {
namespace {

// Beyond what any memory does: 10 us a load, 10 TB/s; and the traffic of 10 s at that rate.
constexpr double kLoadNsMax = 10'000;
constexpr double kReadMbSMax = 10'000'000;
constexpr uint64_t kBytesMovedMax = 100'000'000'000'000;
constexpr int64_t kPageBytesMin = 4'096;

// Takes "name=number" and what stands between it and the next from the front.
template <typename Number>
bool Take(std::string_view name, std::string_view* text, Number* number) {
  if (!text->starts_with(name)) return false;
  text->remove_prefix(name.size());
  if (!text->starts_with('=')) return false;
  text->remove_prefix(1);
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *number);
  if (error != std::errc()) return false;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  if (text->empty() || (text->front() != ' ' && text->front() != '\n')) return false;
  text->remove_prefix(1);
  return true;
}

bool IsWithin(double value, double max) {
  return std::isfinite(value) && value > 0 && value <= max;
}

}  // namespace

std::string FormatProbeReport(const ProbeReport& report) {
  return fmt::format("load_ns={:.3f} read_mb_s={:.1f} bytes_moved={} page_count={} page_on_node_count={} huge_pages={} small_pages={}\n",
                     report.load_ns, report.read_mb_s, report.bytes_moved, report.page_count, report.page_on_node_count,
                     report.huge_pages ? 1 : 0, static_cast<int>(report.small_pages));
}

absl::StatusOr<ProbeReport> ParseProbeReport(std::string_view text, int64_t buffer_bytes) {
  const auto odd = [](const char* why) {
    return absl::InternalError(fmt::format("the answer of hftmon-numa-probe is not one of its own: {}: install that of this daemon", why));
  };
  if (text.size() > kProbeReportBytesMax) return odd("it is too long");
  ProbeReport report;
  int huge = 0;
  int small = 0;
  const bool read = Take("load_ns", &text, &report.load_ns) && Take("read_mb_s", &text, &report.read_mb_s) &&
                    Take("bytes_moved", &text, &report.bytes_moved) && Take("page_count", &text, &report.page_count) &&
                    Take("page_on_node_count", &text, &report.page_on_node_count) && Take("huge_pages", &text, &huge) &&
                    Take("small_pages", &text, &small);
  if (!read || !text.empty() || huge < 0 || huge > 1) return odd("it is no line of its fields");
  if (small < 0 || small > kSmallPagesLast || (huge == 1) != (small == 0)) return odd("its pages are of no kind");
  report.huge_pages = huge == 1;
  report.small_pages = static_cast<SmallPages>(small);
  if (report.page_count == 0 || report.page_count > static_cast<uint64_t>(buffer_bytes / kPageBytesMin)) return odd("its pages cannot be");
  if (report.page_on_node_count > report.page_count) return odd("more pages were on the node than it has");
  if (report.bytes_moved > kBytesMovedMax) return odd("it moved too much");
  if (report.page_on_node_count < report.page_count) {
    return report.load_ns == 0 && report.read_mb_s == 0 ? absl::StatusOr<ProbeReport>(report) : odd("it measured pages that lay elsewhere");
  }
  if (!IsWithin(report.load_ns, kLoadNsMax) || !IsWithin(report.read_mb_s, kReadMbSMax)) return odd("no memory is as fast or as slow");
  return report;
}

}  // namespace hftmon
