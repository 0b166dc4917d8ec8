// HeldMutex: a pthread mutex that one thread holds for a while and the engine asks for meanwhile, plain or inheriting priority.
//
// Threads: Hold: the holder, one at a time. Ask and AskIdle: the engine's. Logs are read when both have ended.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_HELD_MUTEX_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_HELD_MUTEX_H_

#include <pthread.h>

#include <cstdint>

#include "client/examples/order_book/injection_log.h"
#include "client/examples/order_book/injections/shared_window.h"
#include "client/examples/order_book/time_stamp_counter.h"

namespace hftmon::order_book {

class HeldMutex {
 public:
  explicit HeldMutex(bool inherits_priority) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    if (inherits_priority) pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&mutex_, &attributes);
    pthread_mutexattr_destroy(&attributes);
  }
  ~HeldMutex() { pthread_mutex_destroy(&mutex_); }
  HeldMutex(const HeldMutex&) = delete;
  HeldMutex& operator=(const HeldMutex&) = delete;

  // Takes the mutex, tells the engine, does `meanwhile` and lets go.
  template <typename Meanwhile>
  void Hold(uint32_t number, Meanwhile meanwhile) {
    pthread_mutex_lock(&mutex_);
    const uint64_t start_tsc = ReadTsc();
    window_.Open(number);
    meanwhile();
    window_.Close();
    holds_.Add(start_tsc, ReadTsc());
    pthread_mutex_unlock(&mutex_);
  }

  // When the mutex is held, asks for it, waits and lets go; `waits` has how long that took.
  void Ask(InjectionLog& waits) {
    if (!window_.Meet()) [[likely]]
      return;
    const uint64_t start_tsc = ReadTsc();
    pthread_mutex_lock(&mutex_);
    waits.Add(start_tsc, ReadTsc());
    pthread_mutex_unlock(&mutex_);
  }

  const InjectionLog& holds() const { return holds_; }
  uint64_t address() const { return reinterpret_cast<uintptr_t>(&mutex_); }

 private:
  pthread_mutex_t mutex_;
  SharedWindow window_;
  InjectionLog holds_;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_HELD_MUTEX_H_
