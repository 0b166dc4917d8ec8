#include "client/top/top_keys.h"

namespace hftmon {
namespace {

TopCommand CommandOfCharacter(char character) {
  switch (character) {
    case 'q':
    case 'Q':
      return TopCommand::kQuit;
    case 'k':
      return TopCommand::kUp;
    case 'j':
      return TopCommand::kDown;
    case 'g':
      return TopCommand::kFirst;
    case 'G':
      return TopCommand::kLast;
    case 's':
    case '>':
      return TopCommand::kNextSort;
    case '<':
      return TopCommand::kPreviousSort;
    case 'o':
      return TopCommand::kSpikeOrder;
    case '/':
      return TopCommand::kFilter;
    case 'c':
      return TopCommand::kClearFilter;
    case 'p':
    case ' ':
      return TopCommand::kPause;
    case 't':
      return TopCommand::kOtherTable;
    case '?':
    case 'h':
      return TopCommand::kHelp;
    default:
      return TopCommand::kNone;
  }
}

// Pages above the overview can be read, left and nothing else: what a key would change there is not seen.
bool TakenAnywhere(TopCommand command) {
  switch (command) {
    case TopCommand::kQuit:
    case TopCommand::kUp:
    case TopCommand::kDown:
    case TopCommand::kPageUp:
    case TopCommand::kPageDown:
    case TopCommand::kFirst:
    case TopCommand::kLast:
    case TopCommand::kBack:
    case TopCommand::kPause:
    case TopCommand::kHelp:
      return true;
    default:
      return false;
  }
}

TopCommand OnOverview(const TopKey& key) {
  switch (key.kind) {
    case TopKey::Kind::kUp:
      return TopCommand::kUp;
    case TopKey::Kind::kDown:
      return TopCommand::kDown;
    case TopKey::Kind::kPageUp:
      return TopCommand::kPageUp;
    case TopKey::Kind::kPageDown:
      return TopCommand::kPageDown;
    case TopKey::Kind::kHome:
      return TopCommand::kFirst;
    case TopKey::Kind::kEnd:
      return TopCommand::kLast;
    case TopKey::Kind::kEnter:
      return TopCommand::kOpen;
    case TopKey::Kind::kEscape:
    case TopKey::Kind::kBackspace:
      return TopCommand::kBack;
    case TopKey::Kind::kTab:
      return TopCommand::kOtherList;
    case TopKey::Kind::kCharacter:
      return key.character.size() == 1 ? CommandOfCharacter(key.character[0]) : TopCommand::kNone;
    case TopKey::Kind::kOther:
      return TopCommand::kNone;
  }
  return TopCommand::kNone;
}

}  // namespace

TopCommand CommandOf(const TopKey& key, TopPageKind page) {
  const TopCommand command = OnOverview(key);
  return page == TopPageKind::kOverview || TakenAnywhere(command) ? command : TopCommand::kNone;
}

TopCommand CommandWhileTyping(const TopKey& key) {
  switch (key.kind) {
    case TopKey::Kind::kEnter:
      return TopCommand::kAccept;
    case TopKey::Kind::kEscape:
      return TopCommand::kCancel;
    case TopKey::Kind::kBackspace:
      return TopCommand::kErase;
    case TopKey::Kind::kCharacter:
      return TopCommand::kType;
    default:
      return TopCommand::kNone;
  }
}

const std::vector<std::string>& TopHelpLines() {
  static const std::vector<std::string> lines = {
      "up down j k      move in the list; PgUp PgDn, Home g, End G",
      "Tab              move in the other list: the spikes, or the table",
      "Enter            of a spike: its time budget; of a row of the table: its spikes alone",
      "Esc              back",
      "s > <            sort the table by the next, or the previous column",
      "o                spikes by time, or the longest first",
      "/                filter both lists by a part of the name, or a pid or tid; Enter takes it, Esc leaves it",
      "c                clear the filter",
      "p space          pause: what is shown stands still, what is counted goes on",
      "t                threads, or targets as a whole",
      "? h              this page",
      "q ^C             quit",
      "",
      "Figures are of the newest period (--period), spikes of a row since top began: 3+ is 3 or more,",
      "because a snapshot was missed. cpu, wait, irq: share of the time that it ran, waited for a CPU,",
      "lost to interrupts. p50, p99, max: its waits for a CPU. sw/s, inv/s: its switches, and those in",
      "which it could have run on. - is not known, or has too few samples behind it (p99: 1000 a period).",
      "The bar: running #, waiting for a CPU =, asleep or blocked ., lost to interrupts !",
      "A spike's mark: + it went on when it was told, ? inconclusive: records were lost in its time.",
  };
  return lines;
}

}  // namespace hftmon
