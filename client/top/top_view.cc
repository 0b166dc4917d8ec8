#include "client/top/top_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "client/top/screen_text.h"
#include "client/top/top_header.h"
#include "client/top/top_table.h"
#include "common/counted.h"

namespace hftmon {
namespace {

// A page that grows downwards.
class Canvas {
 public:
  Canvas(TopSize size, bool utf8) : size_(size), utf8_(utf8) {}

  void Add(TopLine line) {
    if (left() > 0) page_.lines.push_back(std::move(line));
  }
  void Add(const std::string& text, TopStyle style = TopStyle::kPlain) { Add(TopLine{{Clipped(text, size_.width), style}}); }
  // Over the whole width.
  void AddBar(const std::string& text, TopStyle style) { Add(TopLine{{LeftAligned(text, size_.width), style}}); }
  // "── text ─────".
  void AddRule(const std::string& text, bool strong) {
    const std::string stroke = utf8_ ? "\u2500" : "-";
    std::string line = stroke + stroke + " " + Clipped(text, size_.width - 6) + " ";
    while (ColumnsOf(line) < size_.width) line += stroke;
    Add(line, strong ? TopStyle::kStrong : TopStyle::kFaint);
  }
  void FillTo(int lines_left) {
    while (left() > lines_left) page_.lines.emplace_back();
  }
  int left() const { return size_.height - static_cast<int>(page_.lines.size()); }
  int width() const { return size_.width; }
  bool utf8() const { return utf8_; }
  TopRoom& room() { return page_.room; }
  TopPage Take() { return std::move(page_); }

 private:
  const TopSize size_;
  const bool utf8_;
  TopPage page_;
};

// The first of `count` lines to show in `room`, so that the selected one is among them, in the middle where that can be.
size_t FirstShown(size_t selected, size_t count, int room) {
  const size_t lines = static_cast<size_t>(std::max(room, 1));
  if (count <= lines || selected < lines / 2) return 0;
  return std::min(selected - lines / 2, count - lines);
}

// A selected line bears a sign besides its look.
void AddSelectable(TopLine line, bool selected, bool moves_here, Canvas* canvas) {
  if (!selected || !moves_here) {
    line.insert(line.begin(), TopSpan{selected ? ">" : " "});
    return canvas->Add(std::move(line));
  }
  std::string text = ">";
  for (const TopSpan& span : line) text += span.text;
  canvas->AddBar(text, TopStyle::kSelected);
}

void AddTable(const TopModel& model, int room, Canvas* canvas) {
  const std::vector<TopRow> rows = model.Rows();
  const TopTable table(model.shows_threads(), canvas->width() - 1, canvas->utf8());
  canvas->AddBar(" " + table.Titles(), TopStyle::kTitle);
  if (rows.empty()) {
    const bool nothing = model.data().has_status() && model.data().status().target_count() == 0;
    canvas->Add(nothing                  ? " nothing is watched: see `hftmon attach --help`"
                : model.filter().empty() ? " no figures yet"
                                         : " nothing has that name or number");
  }
  const size_t selected = model.SelectedRow(rows);
  const size_t first = FirstShown(selected, rows.size(), room);
  for (size_t i = first; i < rows.size() && i < first + static_cast<size_t>(room); ++i) {
    AddSelectable({{table.Line(rows[i])}}, i == selected, model.moves_in_table(), canvas);
  }
}

void AddSpikes(const TopModel& model, const TopTexts& texts, int room, Canvas* canvas) {
  const std::vector<const TopSpike*> spikes = model.Spikes();
  canvas->AddRule(fmt::format("{}, {}", Counted(spikes.size(), "spike"), model.longest_first() ? "longest first" : "newest first"),
                  !model.moves_in_table());
  if (spikes.empty()) {
    canvas->Add(" none so far");
    return;
  }
  canvas->Add(" " + SpikeTitles(canvas->width() - 1), TopStyle::kFaint);
  const size_t selected = model.SelectedSpike(spikes);
  const size_t first = FirstShown(selected, spikes.size(), room);
  for (size_t i = first; i < spikes.size() && i < first + static_cast<size_t>(room); ++i) {
    const TopSpike& spike = *spikes[i];
    const std::string time = texts.time_of_day(spike.spike.start_monotonic_ns(), spike.time);
    AddSelectable(SpikeLine(spike.spike, time, canvas->width() - 1, canvas->utf8()), i == selected, !model.moves_in_table(), canvas);
  }
}

void AddOverview(const TopModel& model, const TopTexts& texts, Canvas* canvas) {
  const bool roomy = canvas->left() >= 12;
  const int keys = roomy ? 1 : 0;
  // What is left for rows after their titles, the rule, the spikes' titles and the keys.
  const int lines = std::max(canvas->left() - 3 - keys, 2);
  const int row_count = std::max(static_cast<int>(model.Rows().size()), 1);
  const int spike_count = std::max(static_cast<int>(model.Spikes().size()), 1);
  // Each list has half, and what the other does not need.
  const int half = lines / 2;
  canvas->room().rows = std::min(row_count, std::max(half, lines - spike_count));
  canvas->room().spikes = lines - canvas->room().rows;
  AddTable(model, canvas->room().rows, canvas);
  AddSpikes(model, texts, canvas->room().spikes, canvas);
  canvas->FillTo(keys);
  if (keys > 0) {
    canvas->Add(canvas->width() >= 107
                    ? "q quit  up/down select  Enter budget  Tab other list  s sort  o order  / filter  p pause  t targets  ? help"
                    : "q quit  Enter budget  Tab list  s sort  / filter  p pause  t targets  ? help",
                TopStyle::kFaint);
  }
}

void AddScrolled(const std::vector<TopLine>& lines, int scroll, const std::string& hint, Canvas* canvas) {
  const int room = std::max(canvas->left() - 1, 1);
  canvas->room().lines = room;
  canvas->room().line_count = static_cast<int>(lines.size());
  const int first = std::clamp(scroll, 0, std::max(0, static_cast<int>(lines.size()) - room));
  for (int i = first; i < static_cast<int>(lines.size()) && i < first + room; ++i) canvas->Add(lines[static_cast<size_t>(i)]);
  canvas->FillTo(1);
  const int below = static_cast<int>(lines.size()) - first - room;
  canvas->Add(below > 0 ? fmt::format("{}  {} below", hint, Counted(static_cast<uint64_t>(below), "line")) : hint, TopStyle::kFaint);
}

void AddBudget(const TopModel& model, const TopTexts& texts, Canvas* canvas) {
  const TopSpike& spike = *model.opened();
  std::vector<TopLine> lines;
  const std::string text = texts.spike(spike.spike, spike.time);
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string line = OneColumnEach(rest.substr(0, end), canvas->utf8());
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const TopStyle style = lines.empty() ? TopStyle::kStrong : TopStyle::kPlain;
    for (const std::string& piece : Wrapped(line, canvas->width(), 8)) lines.push_back({{piece, style}});
  }
  canvas->AddRule(fmt::format("spike {}: where its time went", spike.spike.id()), true);
  AddScrolled(lines, model.scroll(), "Esc back  up/down scroll  p pause  ? help  q quit", canvas);
}

void AddHelp(const TopModel& model, Canvas* canvas) {
  std::vector<TopLine> lines;
  for (const std::string& line : TopHelpLines()) {
    for (const std::string& piece : Wrapped(line, canvas->width() - 1, 17)) lines.push_back({{" " + piece}});
  }
  canvas->AddRule("keys", true);
  AddScrolled(lines, model.scroll(), "Esc back  up/down scroll  q quit", canvas);
}

}  // namespace

TopPage RenderTop(const TopModel& model, const TopTexts& texts, TopSize size, bool utf8) {
  Canvas canvas(size, utf8);
  if (size.width < kTopSizeMin.width || size.height < kTopSizeMin.height) {
    canvas.Add(fmt::format("make it {}x{} or larger", kTopSizeMin.width, kTopSizeMin.height));
    return canvas.Take();
  }
  const std::vector<TopLine> header = TopHeader(model, texts, size.width, utf8);
  canvas.Add(header[0]);
  // Where there is little room, what is watched gives way.
  if (size.height >= 12) canvas.Add(header[1]);
  canvas.Add(header[2]);
  switch (model.page()) {
    case TopPageKind::kOverview:
      AddOverview(model, texts, &canvas);
      break;
    case TopPageKind::kBudget:
      AddBudget(model, texts, &canvas);
      break;
    case TopPageKind::kHelp:
      AddHelp(model, &canvas);
      break;
  }
  return canvas.Take();
}

}  // namespace hftmon
