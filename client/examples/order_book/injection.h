// Injection: one kind of known disturbance of the engine, which keeps the truth about itself: when each began and how long it took.
//
// Life: the control thread constructs and prepares it, calls Begin once the start is known, and Finish after the engine's thread has ended;
// between the two, the engine's thread looks at it with each message. What it tells of itself is read after Finish.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "client/examples/order_book/injection_log.h"
#include "client/examples/order_book/injection_schedule.h"
#include "common/clock_conversion.h"

namespace hftmon::order_book {

// Where and how: the same for all kinds of a run, but for the schedule's phase.
struct InjectionPlan {
  InjectionSchedule schedule;
  int64_t length_ns = 0;     // what each is meant to take
  LinearConversion clock;    // of the engine's cycle counter
  int engine_cpu = -1;       // where the engine is pinned
  int helper_cpu = -1;       // where threads of injections run, those that need not run on the engine's; may be engine_cpu
  int engine_priority = 0;   // of SCHED_FIFO; 0: SCHED_OTHER
  int gateway_priority = 0;  // likewise
  bool pi_mutex = false;     // mutexes inherit priority
};

class Injection {
 public:
  explicit Injection(InjectionPlan plan) : plan_(plan) {}
  virtual ~Injection() = default;
  Injection(const Injection&) = delete;
  Injection& operator=(const Injection&) = delete;

  // Makes threads and memory. FAILED_PRECONDITION or PERMISSION_DENIED: what this host or this run lacks, and what helps.
  virtual absl::Status Prepare() = 0;
  // The schedule counts from here. Threads that were prepared wait for it.
  virtual void Begin(int64_t start_mono_ns) = 0;
  // Engine's thread, with each message: `now_tsc` is a little before now. Whatever this takes is the disturbance.
  virtual void Look(uint64_t now_tsc) = 0;
  // Engine's thread, while there is no message: joins what another thread has begun, begins nothing.
  virtual void LookIdle() {}
  // Ends the injection's threads. Also after a Prepare that failed, and without Begin.
  virtual void Finish() {}

  // Any thread: whether none is due any more and the last one is over.
  virtual bool exhausted() const = 0;
  // Due times that passed without an injection, because the one before took too long or a thread was kept from its CPU.
  virtual uint64_t missed_count() const = 0;
  // What is there besides the log: addresses, thread ids, counts of this kind's own.
  virtual nlohmann::json Detail(const LinearConversion&) const { return nlohmann::json::object(); }
  const InjectionLog& log() const { return log_; }
  const InjectionPlan& plan() const { return plan_; }

 protected:
  InjectionPlan plan_;
  InjectionLog log_;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTION_H_
