// The view: a model as a page of a given size. Pure functions; what they make is what is shown, to the character.
#ifndef HFTMON_CLIENT_TOP_TOP_VIEW_H_
#define HFTMON_CLIENT_TOP_TOP_VIEW_H_

#include <cstdint>
#include <functional>
#include <string>

#include "client/top/top_model.h"
#include "client/top/top_page.h"

namespace hftmon {

// How the command line says these things, so that they read alike everywhere.
struct TopTexts {
  // A spike with its time budget, in lines: a headline, then what is known of it.
  std::function<std::string(const v1::Spike&, const v1::TimePair&)> spike;
  // A moment of CLOCK_MONOTONIC as a time of day, "14:02:33.123456".
  std::function<std::string(int64_t, const v1::TimePair&)> time_of_day;
};

// The smallest page that has room for something of everything; below it the page says so.
inline constexpr TopSize kTopSizeMin{40, 8};

// `utf8`: the terminal shows more than ASCII.
TopPage RenderTop(const TopModel& model, const TopTexts& texts, TopSize size, bool utf8);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TOP_VIEW_H_
