// Recommendation: what to change, why, how to undo it and how to see that it helped. Passive data, as recommend.proto tells it.
#ifndef HFTMON_DAEMON_ADVICE_RECOMMENDATION_H_
#define HFTMON_DAEMON_ADVICE_RECOMMENDATION_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/advice/rule.h"

namespace hftmon {

inline constexpr size_t kEvidenceSentencesMax = 8;

// Of all facts behind it, which lie within the window.
struct Evidence {
  std::vector<std::string> sentences;  // of the heaviest facts, at most kEvidenceSentencesMax
  size_t sentences_left_out = 0;
  int64_t begin_mono_ns = 0;
  int64_t end_mono_ns = 0;
  std::vector<uint64_t> spike_ids;  // at most kFactSpikeIdsMax, those of the longest facts first
  std::optional<int64_t> count;
  std::optional<int64_t> sum_ns;
  std::optional<int64_t> longest_ns;
  std::map<std::string, std::string> values;  // every known field by its name, for people
};

struct Action {
  std::string command;  // empty: there is none, code_hint says what to do
  std::string undo;
  std::string code_hint;
  std::string withheld;  // why a command that the row has is not given; empty: it is, or there is none
  Reach reach = Reach::kCode;
  bool survives_reboot = false;
  std::string persist;
  Risk risk = Risk::kLow;
  std::string risk_text;
};

// An upper bound, "up to"; `estimated`: derived, or of a part of it alone, and no bound ("about"): `basis` says of what. Gains of several
// recommendations overlap and must not be added up.
struct Gain {
  std::optional<int64_t> ns_per_second;
  std::optional<int64_t> longest_ns;
  std::optional<double> share;
  bool estimated = false;
  std::string basis;  // what it was made of, in words
};

struct Proof {
  std::string metric;
  std::string query;  // the command that shows it
  std::string path;
  std::optional<double> value_now;
  std::string expected;
};

struct Confidence {
  double value = 0;  // 0 to 1
  std::vector<std::string> reasons;
};

struct Recommendation {
  std::string rule;
  std::string id;  // the rule and the group's key: the same advice has the same id in every answer
  std::string title;
  std::string cause;
  Evidence evidence;
  Confidence confidence;
  Action action;
  std::vector<Action> alternatives;
  Gain gain;
  Proof proof;
  std::optional<FactThread> thread;  // absent: it is about none, or about several
  CpuList cpus;
  Basis basis = Basis::kMeasured;
  std::vector<std::string> corroborated_by;
};

// A rule whose silence says nothing.
struct NotJudged {
  std::string rule;
  std::string reason;
  std::string mend;  // empty: there is none
};

// "now", "restart", "reboot", "code", "firmware".
std::string_view ReachName(Reach reach);
// "low", "medium", "high".
std::string_view RiskName(Risk risk);
// "measured", "configuration".
std::string_view BasisName(Basis basis);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_RECOMMENDATION_H_
