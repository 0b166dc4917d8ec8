// TopModel: what is shown of the data: which page, which table, sorted and filtered how, what is selected, and whether it stands still.
//
// Threads: one. Bounds: TopData's, twice while it is paused; a filter of kFilterMax bytes. Pure: no I/O, no clock.
#ifndef HFTMON_CLIENT_TOP_TOP_MODEL_H_
#define HFTMON_CLIENT_TOP_TOP_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/top/top_data.h"
#include "client/top/top_keys.h"

namespace hftmon {

enum class TopSort { kSpikes, kMax, kP99, kCpu, kWait, kSwitches, kName, kNumber };
inline constexpr int kTopSortCount = 8;
// As the page names it: "spikes", "max", "p99", …
const char* TopSortName(TopSort sort);

// What the last page had room for, in lines: how far PgDn goes, and where a long text ends.
struct TopRoom {
  int rows = 10;
  int spikes = 10;
  int lines = 20;  // of a budget or of the help
  int line_count = 0;
};

class TopModel {
 public:
  static constexpr size_t kFilterMax = 64;

  // `chosen`: as TopData has it.
  explicit TopModel(bool chosen = false) : live_(chosen) {}

  // While paused it is counted, and shown afterwards.
  void Take(const TopUpdate& update);
  // Spikes that were dropped on the way to here, ever.
  void NoteDropped(uint64_t dropped_count) { dropped_here_ = dropped_count; }
  // False: quit.
  bool Press(const TopKey& key);
  // By whoever draws, after each page.
  void SetRoom(const TopRoom& room);

  const TopData& data() const { return frozen_.has_value() ? *frozen_ : live_; }
  TopPageKind page() const { return page_; }
  bool shows_threads() const { return shows_threads_; }
  bool moves_in_table() const { return moves_in_table_; }
  TopSort sort() const { return sort_; }
  bool longest_first() const { return longest_first_; }
  bool typing() const { return typing_; }
  // While typing: what was typed so far, which is in force already.
  const std::string& filter() const { return filter_; }
  bool paused() const { return frozen_.has_value(); }
  uint64_t held_spikes() const { return held_spikes_; }
  uint64_t held_snapshots() const { return held_snapshots_; }
  // Spikes that never got here, the daemon's and those dropped on this side.
  uint64_t spikes_dropped() const { return data().spikes_dropped() + dropped_here_; }

  // Filtered and sorted.
  std::vector<TopRow> Rows() const;
  std::vector<const TopSpike*> Spikes() const;
  // Index in Rows(), in Spikes(); 0 when there is none.
  size_t SelectedRow(const std::vector<TopRow>& rows) const;
  size_t SelectedSpike(const std::vector<const TopSpike*>& spikes) const;
  // The one whose time budget is the page; null on other pages.
  const TopSpike* opened() const { return page_ == TopPageKind::kBudget && opened_.has_value() ? &*opened_ : nullptr; }
  // Line of a budget or of the help that is shown first.
  int scroll() const { return scroll_; }
  // The spike that was opened last and not taken from here yet: whoever can asks the daemon for it anew, which may bring its stack.
  std::optional<TopSpike> TakeLookedFor() { return std::exchange(looked_for_, std::nullopt); }

 private:
  using RowKey = std::pair<int32_t, int32_t>;
  using SpikeKey = std::pair<uint32_t, uint64_t>;

  bool Do(TopCommand command);
  void Type(TopCommand command, const std::string& character);
  void Move(TopCommand command);
  void Open();
  void OpenSpike();
  void NarrowToRow();
  void Back();
  void TogglePause();
  void RefreshOpened();

  TopData live_;
  std::optional<TopData> frozen_;
  uint64_t held_spikes_ = 0;
  uint64_t held_snapshots_ = 0;
  uint64_t dropped_here_ = 0;

  TopPageKind page_ = TopPageKind::kOverview;
  TopPageKind page_below_help_ = TopPageKind::kOverview;
  bool shows_threads_ = true;
  bool moves_in_table_ = false;
  TopSort sort_ = TopSort::kSpikes;
  bool longest_first_ = false;
  bool typing_ = false;
  std::string filter_;
  std::string filter_before_;
  std::optional<RowKey> row_;      // none: the first, whichever it is
  std::optional<SpikeKey> spike_;  // none: the newest, or longest
  std::optional<TopSpike> opened_;
  std::optional<TopSpike> looked_for_;
  int scroll_ = 0;
  TopRoom room_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TOP_MODEL_H_
