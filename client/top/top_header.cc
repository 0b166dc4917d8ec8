#include "client/top/top_header.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/top/screen_text.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

// As many pieces, with two spaces between them, as fit; the last one that does not is clipped.
class LineInPieces {
 public:
  LineInPieces(int width, bool utf8) : width_(width), utf8_(utf8) {}

  void Add(const std::string& text, TopStyle style = TopStyle::kPlain) {
    const std::string gap = line_.empty() ? "" : "  ";
    const int room = width_ - used_ - static_cast<int>(gap.size());
    if (text.empty() || room < 2) return;
    const std::string shown = Clipped(OneColumnEach(text, utf8_), room);
    used_ += static_cast<int>(gap.size()) + ColumnsOf(shown);
    if (!gap.empty()) line_.push_back({gap, TopStyle::kPlain});
    line_.push_back({shown, style});
  }
  int room() const { return width_ - used_; }
  TopLine Take() { return std::move(line_); }

 private:
  const int width_;
  const bool utf8_;
  int used_ = 0;
  TopLine line_;
};

std::string MebibytesText(int64_t bytes) {
  return fmt::format("{:.0f} MiB", static_cast<double>(bytes) / (1 << 20));
}

TopLine DaemonLine(const TopModel& model, const TopTexts& texts, int width, bool utf8) {
  const v1::GetStatusResponse& status = model.data().status();
  // Whole seconds are enough for a clock.
  const std::string time = model.data().has_status() ? texts.time_of_day(status.time().monotonic_ns(), status.time()).substr(0, 8) : "";
  LineInPieces line(width - ColumnsOf(time) - 1, utf8);
  line.Add("hftmon top", TopStyle::kStrong);
  if (model.data().has_status()) {
    line.Add(fmt::format("hftmond {}[{}]", status.daemon().version(), status.daemon().pid()));
    std::string mode = status.operation().mode();
    if (status.operation().quiet()) mode += ", quiet";
    line.Add(mode);
    if (status.operation().off()) line.Add("OFF", TopStyle::kWarning);
    line.Add(fmt::format("cost {:.1f} % of a core, {}", model.data().cost_share() * 100, MebibytesText(status.daemon().rss_bytes())));
  }
  const int room = line.room();
  TopLine spans = line.Take();
  if (!time.empty()) spans.push_back({std::string(static_cast<size_t>(std::max(room, 0) + 1), ' ') + time, TopStyle::kPlain});
  return spans;
}

TopLine WatchedLine(const TopModel& model, int width, bool utf8) {
  const TopData& data = model.data();
  LineInPieces line(width, utf8);
  if (!data.has_status()) return line.Take();
  line.Add(Counted(static_cast<uint64_t>(std::max(data.status().target_count(), 0)), "target"));
  const uint64_t lost = data.status().lost_records();
  if (lost == 0) {
    line.Add("no records lost");
  } else {
    line.Add(fmt::format("{} lost, {} in the last {}", Counted(lost, "record"), data.lost_records(), FormatDuration(data.window_ns())),
             TopStyle::kWarning);
  }
  std::string losses;
  for (const v1::DropCounter& drop : data.status().drops()) {
    if (drop.data_loss() && drop.count() > 0) losses += fmt::format("{}{} {}", losses.empty() ? "" : ", ", drop.count(), drop.name());
  }
  if (losses.empty()) {
    line.Add("no drops");
  } else {
    line.Add("drops: " + losses, TopStyle::kWarning);
  }
  if (data.unslotted_thread_count() > 0) {
    line.Add(Counted(data.unslotted_thread_count(), "thread") + " NOT WATCHED: no room in the tables", TopStyle::kWarning);
  }
  if (model.spikes_dropped() > 0) {
    line.Add(Counted(model.spikes_dropped(), "spike") + " not shown: they came too fast", TopStyle::kWarning);
  }
  return line.Take();
}

TopLine StateLine(const TopModel& model, int width, bool utf8) {
  const TopData& data = model.data();
  LineInPieces line(width, utf8);
  if (!data.trouble().empty()) line.Add(data.trouble(), TopStyle::kWarning);
  if (model.paused()) {
    line.Add(fmt::format("PAUSED, {} and {} held back", Counted(model.held_spikes(), "spike"), Counted(model.held_snapshots(), "snapshot")),
             TopStyle::kWarning);
  }
  if (model.typing()) {
    line.Add(fmt::format("filter: {}_", model.filter()), TopStyle::kStrong);
    return line.Take();
  }
  if (!model.filter().empty()) line.Add(fmt::format("filter: {} (c clears)", model.filter()), TopStyle::kStrong);
  line.Add(fmt::format("{} by {}", model.shows_threads() ? "threads" : "targets", TopSortName(model.sort())));
  if (data.window_ns() > 0) line.Add(fmt::format("figures of the last {}", FormatDuration(data.window_ns())));
  return line.Take();
}

}  // namespace

std::vector<TopLine> TopHeader(const TopModel& model, const TopTexts& texts, int width, bool utf8) {
  return {DaemonLine(model, texts, width, utf8), WatchedLine(model, width, utf8), StateLine(model, width, utf8)};
}

}  // namespace hftmon
