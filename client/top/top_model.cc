#include "client/top/top_model.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace hftmon {
namespace {

// What `sort` compares, the largest first; what has no value comes last.
double SortValue(const TopRow& row, TopSort sort) {
  constexpr double kNone = -1;
  switch (sort) {
    case TopSort::kSpikes:
      return static_cast<double>(row.spike_count);
    case TopSort::kMax:
      return row.max_ns.value_or(kNone);
    case TopSort::kP99:
      return row.p99_ns.value_or(kNone);
    case TopSort::kCpu:
      return row.cpu_share.value_or(kNone);
    case TopSort::kWait:
      return row.wait_share.value_or(kNone);
    case TopSort::kSwitches:
      return row.switches_hz.value_or(kNone);
    case TopSort::kName:
    case TopSort::kNumber:
      return 0;
  }
  return 0;
}

bool IsNumber(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
}

// A number is a whole id, any other text a part of the name.
bool Matches(const std::string& filter, const std::string& name, std::initializer_list<int32_t> numbers) {
  if (filter.empty()) return true;
  const bool is_id = IsNumber(filter) &&
                     std::any_of(numbers.begin(), numbers.end(), [&filter](int32_t n) { return n > 0 && std::to_string(n) == filter; });
  return is_id || absl::StrContains(absl::AsciiStrToLower(name), absl::AsciiStrToLower(filter));
}

size_t Moved(TopCommand command, size_t index, size_t count, int room) {
  const size_t page = static_cast<size_t>(std::max(room, 1));
  const size_t last = count == 0 ? 0 : count - 1;
  switch (command) {
    case TopCommand::kUp:
      return index == 0 ? 0 : index - 1;
    case TopCommand::kDown:
      return std::min(index + 1, last);
    case TopCommand::kPageUp:
      return index < page ? 0 : index - page;
    case TopCommand::kPageDown:
      return std::min(index + page, last);
    case TopCommand::kLast:
      return last;
    default:
      return 0;
  }
}

}  // namespace

const char* TopSortName(TopSort sort) {
  switch (sort) {
    case TopSort::kSpikes:
      return "spikes";
    case TopSort::kMax:
      return "max";
    case TopSort::kP99:
      return "p99";
    case TopSort::kCpu:
      return "cpu";
    case TopSort::kWait:
      return "wait";
    case TopSort::kSwitches:
      return "sw/s";
    case TopSort::kName:
      return "name";
    case TopSort::kNumber:
      return "number";
  }
  return "";
}

void TopModel::Take(const TopUpdate& update) {
  live_.Take(update);
  if (!frozen_.has_value()) {
    RefreshOpened();
    return;
  }
  // The connection is no figure that could be read in peace: it is told at once.
  if (std::holds_alternative<TopConnection>(update)) frozen_->Take(update);
  if (std::holds_alternative<TopSpike>(update)) ++held_spikes_;
  if (const auto* metrics = std::get_if<TopMetrics>(&update); metrics != nullptr && !metrics->per_thread) ++held_snapshots_;
}

// A spike that went on when it was opened is shown as it ended.
void TopModel::RefreshOpened() {
  if (!opened_.has_value()) return;
  if (const TopSpike* now = data().FindSpike(opened_->daemon_number, opened_->spike.id()); now != nullptr) opened_ = *now;
}

bool TopModel::Press(const TopKey& key) {
  if (!typing_) return Do(CommandOf(key, page_));
  Type(CommandWhileTyping(key), key.character);
  return true;
}

void TopModel::SetRoom(const TopRoom& room) {
  room_ = room;
  scroll_ = std::clamp(scroll_, 0, std::max(0, room.line_count - room.lines));
}

bool TopModel::Do(TopCommand command) {
  switch (command) {
    case TopCommand::kQuit:
      return false;
    case TopCommand::kUp:
    case TopCommand::kDown:
    case TopCommand::kPageUp:
    case TopCommand::kPageDown:
    case TopCommand::kFirst:
    case TopCommand::kLast:
      Move(command);
      break;
    case TopCommand::kOpen:
      Open();
      break;
    case TopCommand::kBack:
      Back();
      break;
    case TopCommand::kOtherList:
      moves_in_table_ = !moves_in_table_;
      break;
    case TopCommand::kNextSort:
      sort_ = static_cast<TopSort>((static_cast<int>(sort_) + 1) % kTopSortCount);
      break;
    case TopCommand::kPreviousSort:
      sort_ = static_cast<TopSort>((static_cast<int>(sort_) + kTopSortCount - 1) % kTopSortCount);
      break;
    case TopCommand::kSpikeOrder:
      longest_first_ = !longest_first_;
      break;
    case TopCommand::kFilter:
      typing_ = true;
      filter_before_ = std::exchange(filter_, "");
      break;
    case TopCommand::kClearFilter:
      filter_.clear();
      break;
    case TopCommand::kPause:
      TogglePause();
      break;
    case TopCommand::kOtherTable:
      shows_threads_ = !shows_threads_;
      row_.reset();
      break;
    case TopCommand::kHelp:
      if (page_ == TopPageKind::kHelp) {
        Back();
      } else {
        page_below_help_ = std::exchange(page_, TopPageKind::kHelp);
        scroll_ = 0;
      }
      break;
    default:
      break;
  }
  return true;
}

void TopModel::Type(TopCommand command, const std::string& character) {
  switch (command) {
    case TopCommand::kType:
      if (filter_.size() + character.size() <= kFilterMax) filter_ += character;
      break;
    case TopCommand::kErase:
      // Of a character all its bytes.
      while (!filter_.empty() && (filter_.back() & 0xC0) == 0x80) filter_.pop_back();
      if (!filter_.empty()) filter_.pop_back();
      break;
    case TopCommand::kAccept:
      typing_ = false;
      break;
    case TopCommand::kCancel:
      filter_ = filter_before_;
      typing_ = false;
      break;
    default:
      break;
  }
}

void TopModel::Move(TopCommand command) {
  if (page_ != TopPageKind::kOverview) {
    const int end = std::max(0, room_.line_count - room_.lines);
    scroll_ = static_cast<int>(Moved(command, static_cast<size_t>(scroll_), static_cast<size_t>(end) + 1, room_.lines));
    return;
  }
  if (moves_in_table_) {
    const std::vector<TopRow> rows = Rows();
    if (rows.empty()) return;
    const TopRow& row = rows[Moved(command, SelectedRow(rows), rows.size(), room_.rows)];
    row_ = RowKey{row.pid, row.tid};
    return;
  }
  const std::vector<const TopSpike*> spikes = Spikes();
  if (spikes.empty()) return;
  const size_t index = Moved(command, SelectedSpike(spikes), spikes.size(), room_.spikes);
  // At the top the newest stays selected, whichever it is.
  spike_.reset();
  if (index > 0) spike_ = SpikeKey{spikes[index]->daemon_number, spikes[index]->spike.id()};
}

void TopModel::Open() {
  if (moves_in_table_) {
    NarrowToRow();
  } else {
    OpenSpike();
  }
}

void TopModel::OpenSpike() {
  const std::vector<const TopSpike*> spikes = Spikes();
  if (spikes.empty()) return;
  const TopSpike& spike = *spikes[SelectedSpike(spikes)];
  opened_ = spike;
  looked_for_ = spike;
  spike_ = SpikeKey{spike.daemon_number, spike.spike.id()};
  page_ = TopPageKind::kBudget;
  scroll_ = 0;
}

void TopModel::NarrowToRow() {
  const std::vector<TopRow> rows = Rows();
  if (rows.empty()) return;
  filter_ = std::to_string(rows[SelectedRow(rows)].number());
  moves_in_table_ = false;
  spike_.reset();
}

void TopModel::Back() {
  scroll_ = 0;
  if (page_ == TopPageKind::kHelp) {
    page_ = page_below_help_;
  } else if (page_ == TopPageKind::kBudget) {
    page_ = TopPageKind::kOverview;
    opened_.reset();
  } else {
    filter_.clear();
  }
}

void TopModel::TogglePause() {
  if (frozen_.has_value()) {
    frozen_.reset();
    RefreshOpened();
  } else {
    frozen_.emplace(live_);
  }
  held_spikes_ = 0;
  held_snapshots_ = 0;
}

std::vector<TopRow> TopModel::Rows() const {
  std::vector<TopRow> rows = shows_threads_ ? data().ThreadRows() : data().TargetRows();
  std::erase_if(rows, [this](const TopRow& row) { return !Matches(filter_, row.name, {row.pid, row.tid}); });
  std::sort(rows.begin(), rows.end(), [this](const TopRow& a, const TopRow& b) {
    if (sort_ == TopSort::kName && a.name != b.name) return a.name < b.name;
    const double of_a = SortValue(a, sort_);
    const double of_b = SortValue(b, sort_);
    if (of_a != of_b) return of_a > of_b;
    return std::pair(a.number(), a.pid) < std::pair(b.number(), b.pid);
  });
  return rows;
}

std::vector<const TopSpike*> TopModel::Spikes() const {
  std::vector<const TopSpike*> spikes = data().Spikes();
  std::erase_if(spikes, [this](const TopSpike* each) {
    const v1::ThreadId& thread = each->spike.thread();
    return !Matches(filter_, thread.comm(), {each->spike.target_pid(), thread.pid(), thread.tid()});
  });
  if (longest_first_) {
    std::stable_sort(spikes.begin(), spikes.end(),
                     [](const TopSpike* a, const TopSpike* b) { return a->spike.duration_ns() > b->spike.duration_ns(); });
  }
  return spikes;
}

size_t TopModel::SelectedRow(const std::vector<TopRow>& rows) const {
  if (!row_.has_value()) return 0;
  const auto found = std::find_if(rows.begin(), rows.end(), [this](const TopRow& row) { return RowKey{row.pid, row.tid} == *row_; });
  return found == rows.end() ? 0 : static_cast<size_t>(found - rows.begin());
}

size_t TopModel::SelectedSpike(const std::vector<const TopSpike*>& spikes) const {
  if (!spike_.has_value() || spikes.empty()) return 0;
  const auto found = std::find_if(spikes.begin(), spikes.end(), [this](const TopSpike* each) {
    return SpikeKey{each->daemon_number, each->spike.id()} == *spike_;
  });
  if (found != spikes.end()) return static_cast<size_t>(found - spikes.begin());
  // By time one that is no longer kept was older than all that are; by duration, or filtered, its place is not known.
  return longest_first_ || !filter_.empty() ? 0 : spikes.size() - 1;
}

}  // namespace hftmon
