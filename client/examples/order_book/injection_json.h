// An injection's truth as JSON. Pure functions.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_JSON_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_JSON_H_

#include <nlohmann/json.hpp>

#include "client/examples/order_book/injection_log.h"
#include "common/clock_conversion.h"

namespace hftmon::order_book {

// {count, total_ns, events: [{start_tsc, start_mono_ns, duration_ns}], events_left_out}: events beyond InjectionLog::kEventsMax are counted
// only.
nlohmann::json LogJson(const InjectionLog& log, const LinearConversion& clock);

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_JSON_H_
