// Keys and what they ask for. Pure functions.
#ifndef HFTMON_CLIENT_TOP_TOP_KEYS_H_
#define HFTMON_CLIENT_TOP_TOP_KEYS_H_

#include <string>
#include <vector>

namespace hftmon {

// A key as the terminal told it.
struct TopKey {
  enum class Kind { kCharacter, kUp, kDown, kPageUp, kPageDown, kHome, kEnd, kEnter, kEscape, kBackspace, kTab, kOther };
  Kind kind = Kind::kOther;
  std::string character;  // UTF-8, of kCharacter
};

enum class TopCommand {
  kNone,
  kQuit,
  kUp,
  kDown,
  kPageUp,
  kPageDown,
  kFirst,
  kLast,
  kOpen,  // of a spike its time budget, of a row its spikes alone
  kBack,
  kOtherList,  // the keys move in the table, or in the spikes
  kNextSort,
  kPreviousSort,
  kSpikeOrder,
  kFilter,
  kClearFilter,
  kPause,
  kOtherTable,  // threads, or targets
  kHelp,
  // While a filter is written.
  kType,
  kErase,
  kAccept,
  kCancel,
};

// What the page that is shown takes.
enum class TopPageKind { kOverview, kBudget, kHelp };

TopCommand CommandOf(const TopKey& key, TopPageKind page);
TopCommand CommandWhileTyping(const TopKey& key);

// A line a key, as the page of help shows it.
const std::vector<std::string>& TopHelpLines();

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TOP_KEYS_H_
