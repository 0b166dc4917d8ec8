#include "client/export/svg_timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "client/export/html_text.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr size_t kOthersMax = 10;
constexpr size_t kShapesMax = 400;
constexpr size_t kColumns = 410;  // of a row with more pieces than that
constexpr size_t kStates = 5;
constexpr double kLeft = 190;
constexpr double kSpan = 820;
constexpr double kWidth = kLeft + kSpan + 30;
constexpr double kRow = 26;
constexpr double kTop = 8;
constexpr size_t kNameCharactersMax = 27;
constexpr double kNarrowest = 0.7;  // of what is drawn, so that a short interrupt does not vanish
constexpr size_t kPartsNamedMax = 8;

struct View {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;

  double X(int64_t time_ns) const {
    return kLeft + kSpan * static_cast<double>(time_ns - begin_ns) / static_cast<double>(std::max<int64_t>(1, end_ns - begin_ns));
  }
};

using PieceRange = std::pair<std::vector<RecordedPiece>::const_iterator, std::vector<RecordedPiece>::const_iterator>;

PieceRange PiecesIn(const RecordedThread& thread, const View& view) {
  const auto first = std::partition_point(thread.pieces.begin(), thread.pieces.end(),
                                          [&view](const RecordedPiece& piece) { return piece.end_ns() <= view.begin_ns; });
  const auto last =
      std::partition_point(first, thread.pieces.end(), [&view](const RecordedPiece& piece) { return piece.start_ns < view.end_ns; });
  return {first, last};
}

std::string PieceTitle(const RecordedPiece& piece) {
  std::string title = fmt::format("{} {}", PieceStateName(piece.state), FormatDuration(piece.duration_ns));
  if (piece.cpu >= 0) title += fmt::format(", CPU {}", piece.cpu);
  if (!piece.detail.empty()) title += ", " + piece.detail;
  return title;
}

std::string Shape(double x, double right, PieceState state, double y, const std::string& title) {
  return SvgRect(x, y + 3, std::max(right - x, kNarrowest), kRow - 6, fmt::format("s-{}", PieceStateName(state)), title);
}

// Each piece by itself.
std::string Pieces(const PieceRange& pieces, const View& view, double y) {
  std::string svg;
  // What is drawn last stays on top: running first, so that what is short and matters is seen.
  for (const bool running : {true, false}) {
    for (auto piece = pieces.first; piece != pieces.second; ++piece) {
      if ((piece->state == PieceState::kRunning) != running) continue;
      const double x = std::max(view.X(piece->start_ns), kLeft);
      svg += Shape(x, std::min(view.X(piece->end_ns()), kLeft + kSpan), piece->state, y, PieceTitle(*piece));
    }
  }
  return svg;
}

// Too many to be seen apart: a column shows the state that had most of its time.
std::string Columns(const PieceRange& pieces, const View& view, double y) {
  std::vector<std::array<double, kStates>> columns(kColumns);  // of each the share of each state
  for (auto piece = pieces.first; piece != pieces.second; ++piece) {
    const double from = std::max(view.X(piece->start_ns) - kLeft, 0.0) * kColumns / kSpan;
    const double to = std::min(view.X(piece->end_ns()) - kLeft, kSpan) * kColumns / kSpan;
    for (auto column = static_cast<size_t>(from); column < kColumns && static_cast<double>(column) < to; ++column) {
      const auto left = static_cast<double>(column);
      columns[column][static_cast<size_t>(piece->state)] += std::min(to, left + 1) - std::max(from, left);
    }
  }
  std::string svg;
  for (size_t begin = 0; begin < kColumns;) {
    const auto most = [&columns](size_t column) {
      return std::max_element(columns[column].begin(), columns[column].end()) - columns[column].begin();
    };
    const auto nothing = [&columns, &most](size_t column) { return columns[column][static_cast<size_t>(most(column))] <= 0; };
    size_t end = begin + 1;
    while (end < kColumns && most(end) == most(begin) && nothing(end) == nothing(begin)) ++end;
    const double width = kSpan / kColumns;
    const auto state = static_cast<PieceState>(most(begin));
    if (!nothing(begin)) {
      svg += Shape(kLeft + static_cast<double>(begin) * width, kLeft + static_cast<double>(end) * width, state, y,
                   fmt::format("mostly {}", PieceStateName(state)));
    }
    begin = end;
  }
  return svg;
}

std::string Row(const RecordedThread& thread, const View& view, double y, bool is_victim) {
  const PieceRange pieces = PiecesIn(thread, view);
  const bool many = static_cast<size_t>(pieces.second - pieces.first) > kShapesMax;
  return SvgText(kLeft - 10, y + 16, is_victim ? "t te strong" : "t te",
                 Shortened(fmt::format("{}[{}]", thread.id.comm, thread.id.tid), kNameCharactersMax)) +
         (many ? Columns(pieces, view, y) : Pieces(pieces, view, y));
}

// The victim first.
std::vector<const RecordedThread*> ThreadsOf(const Recording& recording, const RecordedSpike& spike, const View& view) {
  std::vector<std::pair<size_t, const RecordedThread*>> others;
  std::vector<const RecordedThread*> threads;
  for (const RecordedThread& thread : recording.threads) {
    if (thread.id == spike.thread) {
      threads.push_back(&thread);
      continue;
    }
    const auto [first, last] = PiecesIn(thread, view);
    if (first != last) others.emplace_back(static_cast<size_t>(last - first), &thread);
  }
  std::stable_sort(others.begin(), others.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  if (others.size() > kOthersMax) others.resize(kOthersMax);
  for (const auto& [count, thread] : others) threads.push_back(thread);
  return threads;
}

std::string BudgetClass(const std::string& kind, size_t index) {
  if (kind == "unexplained") return "s-unknown";
  if (kind == "running") return "s-running";
  return fmt::format("b{}", index % kPartsNamedMax);
}

// The bar, and below it a line a part.
std::string Budget(const RecordedSpike& spike, const View& view, double* y) {
  struct Part {
    std::string name;
    std::string kind;
    int64_t ns;
  };
  std::vector<Part> parts;
  for (const RecordedCause& cause : spike.causes) {
    const std::string actor = ActorName(cause);
    parts.push_back({actor.empty() ? cause.kind : fmt::format("{}: {}", cause.kind, actor), cause.kind, cause.duration_ns});
  }
  if (spike.unexplained_ns > 0) parts.push_back({"unexplained", "unexplained", spike.unexplained_ns});
  std::string svg = SvgText(kLeft - 10, *y + 15, "t te tm", "where it went");
  const double left = view.X(spike.start_ns);
  const double span = view.X(spike.end_ns()) - left;
  double x = left;
  for (size_t i = 0; i < parts.size(); ++i) {
    const double width = span * static_cast<double>(parts[i].ns) / static_cast<double>(std::max<int64_t>(1, spike.duration_ns));
    svg += SvgRect(x, *y + 3, std::max(width, kNarrowest), 14, BudgetClass(parts[i].kind, i), parts[i].name);
    x += width;
  }
  *y += 26;
  for (size_t i = 0; i < std::min(parts.size(), kPartsNamedMax); ++i) {
    svg += SvgRect(kLeft, *y, 12, 12, BudgetClass(parts[i].kind, i));
    svg += SvgText(kLeft + 20, *y + 11, "t", fmt::format("{}  {}", FormatDuration(parts[i].ns), Shortened(parts[i].name, 90)));
    *y += 19;
  }
  if (parts.size() > kPartsNamedMax) {
    svg += SvgText(kLeft + 20, *y + 11, "t tm", fmt::format("and {} more", parts.size() - kPartsNamedMax));
    *y += 19;
  }
  return svg;
}

std::string Axis(const RecordedSpike& spike, const View& view, double y) {
  std::string svg =
      fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"axis\"/>\n", kLeft, y, kLeft + kSpan, y);
  svg += SvgText(kLeft, y + 15, "t tm", "-" + FormatDuration(spike.start_ns - view.begin_ns));
  svg += SvgText(view.X(spike.start_ns), y + 15, "t tm tc", "begins");
  svg += SvgText(view.X(spike.end_ns()), y + 15, "t tm tc", "+" + FormatDuration(spike.duration_ns));
  svg += SvgText(kLeft + kSpan, y + 15, "t tm te", "+" + FormatDuration(view.end_ns - spike.start_ns));
  return svg;
}

}  // namespace

std::string SvgTimeline(const Recording& recording, const RecordedSpike& spike) {
  const int64_t around_ns = std::max<int64_t>(spike.duration_ns, 1'000);
  const View view{.begin_ns = spike.start_ns - around_ns, .end_ns = spike.end_ns() + around_ns};
  std::string body;
  double y = kTop;
  for (const RecordedThread* thread : ThreadsOf(recording, spike, view)) {
    body += Row(*thread, view, y, thread->id == spike.thread);
    y += kRow;
  }
  const double rows_end = y;
  body += SvgRect(view.X(spike.start_ns), kTop - 2, view.X(spike.end_ns()) - view.X(spike.start_ns), rows_end - kTop + 4, "mark");
  body += Axis(spike, view, rows_end + 4);
  y = rows_end + 26;
  body += Budget(spike, view, &y);
  return fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"timeline\">\n{}</svg>\n", kWidth, y + 4, body);
}

}  // namespace hftmon
