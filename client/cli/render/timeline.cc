#include "client/cli/render/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/window.h"
#include "client/cli/table.h"
#include "client/cli/time_scale.h"
#include "common/duration.h"

namespace hftmon {
namespace {

__extension__ typedef __int128 Int128;

// In the order in which they are told where they had the same time.
constexpr std::string_view kLetters = "!w-?#";
constexpr std::string_view kHideable = "!w-";
constexpr int kTickColumns = 20;
constexpr int kNameWidthMax = 40;
constexpr char kLegend[] =
    "# running  - blocked  w waiting for a CPU  ! interrupted  ? unknown; above: shorter than a column (* several); below: the CPU\n";

char LetterOf(const std::string& state) {
  if (state == "running") return '#';
  if (state == "waiting") return 'w';
  if (state == "blocked") return '-';
  if (state == "interrupted") return '!';
  return '?';
}

const char* ColourOf(char letter) {
  switch (letter) {
    case '#':
      return "\033[32m";
    case 'w':
      return "\033[31m";
    case '!':
      return "\033[35m";
    case '-':
      return "\033[34m";
    case '*':
      return "\033[33m";
    default:
      return nullptr;
  }
}

// Runs of one letter in its colour.
std::string Coloured(const std::string& line, const TextStyle& style) {
  if (!style.colour) return line;
  std::string text;
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find_first_not_of(line[at], at), line.size());
    const char* colour = ColourOf(line[at]);
    text += colour == nullptr ? line.substr(at, end - at) : colour + line.substr(at, end - at) + "\033[0m";
    at = end;
  }
  return text;
}

std::string WithoutTrailingBlanks(const std::string& text) {
  const size_t last = text.find_last_not_of(' ');
  return last == std::string::npos ? "" : text.substr(0, last + 1);
}

// Columns of a window.
class Grid {
 public:
  Grid(int64_t begin_ns, int64_t end_ns, int columns)
      : begin_ns_(begin_ns), width_ns_(std::max<int64_t>(1, end_ns - begin_ns)), columns_(columns) {}

  int64_t EdgeNs(int64_t column) const { return begin_ns_ + static_cast<int64_t>(Int128{width_ns_} * column / columns_); }
  // The last column that begins at or before then, within the grid.
  int ColumnOf(int64_t ns) const {
    auto column = static_cast<int64_t>(Int128{ns - begin_ns_} * columns_ / width_ns_);
    column = std::clamp<int64_t>(column, 0, columns_ - 1);
    while (column + 1 < columns_ && EdgeNs(column + 1) <= ns) ++column;
    return static_cast<int>(column);
  }
  int columns() const { return columns_; }

 private:
  const int64_t begin_ns_;
  const int64_t width_ns_;
  const int columns_;
};

// What had how much of each column.
struct ColumnSums {
  std::array<int64_t, kLetters.size()> state_ns{};
  int64_t cpu_ns = 0;  // the most that it had one CPU
  int32_t cpu = -1;
};

std::vector<ColumnSums> SumsOf(const v1::ThreadTimeline& thread, const Grid& grid) {
  std::vector<ColumnSums> sums(static_cast<size_t>(grid.columns()));
  for (const v1::TimelinePiece& piece : thread.pieces()) {
    const int64_t end_ns = piece.start_monotonic_ns() + piece.duration_ns();
    const size_t letter = kLetters.find(LetterOf(piece.state()));
    for (int column = grid.ColumnOf(piece.start_monotonic_ns()); column < grid.columns() && grid.EdgeNs(column) < end_ns; ++column) {
      ColumnSums& sum = sums[static_cast<size_t>(column)];
      const int64_t part_ns = std::min(end_ns, grid.EdgeNs(column + 1)) - std::max(piece.start_monotonic_ns(), grid.EdgeNs(column));
      if (part_ns <= 0) continue;
      sum.state_ns[letter] += part_ns;
      const bool on_cpu = piece.state() == "running" || piece.state() == "interrupted";
      if (!on_cpu || !piece.has_cpu() || part_ns <= sum.cpu_ns) continue;
      sum.cpu_ns = part_ns;
      sum.cpu = piece.cpu();
    }
  }
  return sums;
}

std::string CpuLine(const std::vector<ColumnSums>& sums) {
  std::string line;
  for (size_t at = 0; at < sums.size();) {
    size_t end = at + 1;
    while (end < sums.size() && sums[end].cpu == sums[at].cpu) ++end;
    const size_t room = end - at;
    if (sums[at].cpu < 0) {
      line.append(room, ' ');
    } else {
      const std::string number = std::to_string(sums[at].cpu);
      line += number.size() <= room ? number + std::string(room - number.size(), '.') : std::string(room, '+');
    }
    at = end;
  }
  return line;
}

std::string NameOf(const v1::ThreadId& thread) {
  const std::string name = fmt::format("{}[{}]", Printable(thread.comm()), ThreadNumbersText(thread));
  return name.size() <= kNameWidthMax ? name : name.substr(0, kNameWidthMax - 1) + "~";
}

// The times since the window's beginning, one each kTickColumns, and their marks.
std::string AxisOf(const Grid& grid, int64_t begin_ns, int name_width) {
  std::string numbers(static_cast<size_t>(grid.columns()), ' ');
  std::string marks(static_cast<size_t>(grid.columns()), ' ');
  for (int column = 0; column < grid.columns(); column += kTickColumns) {
    const std::string number = column == 0 ? "0" : FormatDuration(grid.EdgeNs(column) - begin_ns);
    const auto at = static_cast<size_t>(column);
    marks[at] = '|';
    if (at + number.size() <= numbers.size()) numbers.replace(at, number.size(), number);
  }
  const std::string indent(static_cast<size_t>(name_width) + 1, ' ');
  return WithoutTrailingBlanks(indent + numbers) + "\n" + WithoutTrailingBlanks(indent + marks) + "\n";
}

Json PieceJson(const v1::TimelinePiece& piece) {
  Json json{{"start_ns", piece.start_monotonic_ns()}, {"duration_ns", piece.duration_ns()}, {"state", piece.state()}};
  if (piece.has_cpu()) json["cpu"] = piece.cpu();
  if (!piece.detail().empty()) json["detail"] = piece.detail();
  if (piece.other_tid() != 0) json["other_tid"] = piece.other_tid();
  if (piece.spike_id() != 0) json["spike_id"] = piece.spike_id();
  return json;
}

Json ThreadJson(const v1::ThreadTimeline& timeline) {
  const v1::ThreadId& thread = timeline.thread();
  Json json{{"tid", thread.tid()}, {"comm", thread.comm()}, {"pid", thread.pid()}};
  AddInnerNumbers(thread, &json);
  json["truncated"] = timeline.truncated();
  json["pieces"] = Json::array();
  for (const v1::TimelinePiece& piece : timeline.pieces()) json["pieces"].push_back(PieceJson(piece));
  return json;
}

}  // namespace

TimelineRow RowOf(const v1::ThreadTimeline& thread, int64_t begin_ns, int64_t end_ns, int columns) {
  const std::vector<ColumnSums> sums = SumsOf(thread, Grid(begin_ns, end_ns, columns));
  TimelineRow row;
  for (const ColumnSums& sum : sums) {
    const auto most = static_cast<size_t>(std::max_element(sum.state_ns.begin(), sum.state_ns.end()) - sum.state_ns.begin());
    const bool known = sum.state_ns[most] > 0;
    row.states += known ? kLetters[most] : ' ';
    char hidden = ' ';
    for (size_t i = 0; i < kHideable.size(); ++i) {
      if (!known || i == most || sum.state_ns[i] == 0) continue;
      hidden = hidden == ' ' ? kHideable[i] : '*';
    }
    row.hidden += hidden;
  }
  row.cpus = CpuLine(sums);
  return row;
}

std::string TimelineText(const v1::QueryTimelineResponse& response, const absl::TimeZone& zone, const TextStyle& style, int width) {
  const v1::Window& window = response.window();
  const int64_t begin_ns = window.begin_monotonic_ns();
  const int64_t end_ns = window.end_monotonic_ns();
  if (response.threads().empty()) return "no watched thread lived in the window: see `hftmon targets`, `hftmon attach --help`\n";
  size_t name_width = 0;
  for (const v1::ThreadTimeline& thread : response.threads()) name_width = std::max(name_width, NameOf(thread.thread()).size());
  const int columns = std::clamp(width - static_cast<int>(name_width) - 1, kTimelineColumnsMin, kTimelineColumnsMax);
  const Grid grid(begin_ns, end_ns, columns);
  std::string text = fmt::format("{} from {}, a column is {}{}\n", FormatDuration(end_ns - begin_ns),
                                 FormatTime(begin_ns, response.time(), zone, TimeScale::kLocal),
                                 FormatDuration((end_ns - begin_ns) / columns), WindowNote(window, response.time()));
  text += AxisOf(grid, begin_ns, static_cast<int>(name_width));
  const std::string indent(name_width + 1, ' ');
  for (const v1::ThreadTimeline& thread : response.threads()) {
    const TimelineRow row = RowOf(thread, begin_ns, end_ns, columns);
    const auto add = [&](const std::string& head, const std::string& line) {
      const std::string shown = WithoutTrailingBlanks(line);
      if (!shown.empty()) text += head + Coloured(shown, style) + "\n";
    };
    add(indent, row.hidden);
    const std::string name = NameOf(thread.thread());
    text += name + indent.substr(name.size()) + Coloured(WithoutTrailingBlanks(row.states), style) + "\n";
    add(indent, row.cpus);
  }
  return text + kLegend;
}

Json TimelineJson(const v1::QueryTimelineResponse& response) {
  Json json = NewAnswer();
  json["window"] = WindowJson(response.window());
  json["time"] = TimeJson(response.time());
  json["lost_records"] = response.lost_records();
  json["unslotted_thread_count"] = response.unslotted_thread_count();
  json["pieces_left_out"] = response.pieces_left_out();
  if (response.has_run_queue_floor_ns()) json["run_queue_floor_ns"] = response.run_queue_floor_ns();
  if (response.has_off_cpu_floor_ns()) json["off_cpu_floor_ns"] = response.off_cpu_floor_ns();
  json["threads"] = Json::array();
  for (const v1::ThreadTimeline& thread : response.threads()) json["threads"].push_back(ThreadJson(thread));
  return json;
}

}  // namespace hftmon
