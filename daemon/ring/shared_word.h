// Loads and stores of words that the kernel's programs share with us: whole, by name of their memory order, never torn.
#ifndef HFTMON_DAEMON_RING_SHARED_WORD_H_
#define HFTMON_DAEMON_RING_SHARED_WORD_H_

#include <atomic>
#include <type_traits>

namespace hftmon {

// A value on its own: no other word is read on the strength of it.
template <typename T>
T LoadRelaxed(T& word) {
  static_assert(std::is_integral_v<T> && std::atomic_ref<T>::is_always_lock_free);
  return std::atomic_ref<T>(word).load(std::memory_order_relaxed);
}

// Likewise: publishes nothing but itself. A word may be a struct of parts that change together.
template <typename T, typename V>
void StoreRelaxed(T& word, V value) {
  static_assert(std::atomic_ref<T>::is_always_lock_free);
  std::atomic_ref<T>(word).store(static_cast<T>(value), std::memory_order_relaxed);
}

// A value that publishes others: what the writer stored before it is seen by every load after this one.
template <typename T>
T LoadAcquire(T& word) {
  static_assert(std::is_integral_v<T> && std::atomic_ref<T>::is_always_lock_free);
  return std::atomic_ref<T>(word).load(std::memory_order_acquire);
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_RING_SHARED_WORD_H_
