//! Seats for clients, and who gives up theirs when there are too many.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, OwnedSemaphorePermit, Semaphore};

use super::activity::Activity;

/// How often it is looked whether somebody has kept the server waiting for too long by now.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What clients are granted while others wait for a seat.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From a connection's opening, or the end of an answer, to the end of the next request's
    /// headers.
    pub request: Duration,
    /// How long a client may leave data unread, within an answer.
    pub reading: Duration,
}

/// A number of seats. Newcomers wait in their order while none is free, and each of them has the
/// client dismissed that keeps the server waiting for longest, beyond the patience there is.
pub struct Crowd {
    seats: Arc<Semaphore>,
    patience: Patience,
    seated: Mutex<Seated>,
    waiting: AtomicUsize,
}

#[derive(Default)]
struct Seated {
    next: u64,
    members: BTreeMap<u64, Member>,
    /// Those that were dismissed and have not left yet.
    leaving: usize,
}

struct Member {
    activity: Activity,
    /// Taken by the dismissal.
    dismiss: Option<oneshot::Sender<()>>,
}

impl Crowd {
    pub fn new(seats: usize, patience: Patience) -> Arc<Self> {
        Arc::new(Self {
            seats: Arc::new(Semaphore::new(seats)),
            patience,
            seated: Mutex::default(),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Whether somebody waits for a seat.
    pub fn is_crowded(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// A seat, if one is free.
    pub fn try_enter(self: &Arc<Self>, activity: &Activity) -> Option<Seat> {
        let permit = self.seats.clone().try_acquire_owned().ok()?;
        Some(self.seat(permit, activity))
    }

    /// A seat, as soon as there is one.
    pub async fn enter(self: &Arc<Self>, activity: &Activity) -> Seat {
        if let Some(seat) = self.try_enter(activity) {
            return seat;
        }
        let _waiting = Waiting::new(&self.waiting);
        let mut free = std::pin::pin!(self.seats.clone().acquire_owned());
        loop {
            self.dismiss();
            tokio::select! {
                biased;
                permit = &mut free => {
                    return self.seat(permit.expect("never closed"), activity);
                }
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    fn seated(&self) -> MutexGuard<'_, Seated> {
        self.seated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seat(self: &Arc<Self>, permit: OwnedSemaphorePermit, activity: &Activity) -> Seat {
        let (dismiss, dismissed) = oneshot::channel();
        let mut seated = self.seated();
        let id = seated.next;
        seated.next += 1;
        let member = Member {
            activity: activity.clone(),
            dismiss: Some(dismiss),
        };
        seated.members.insert(id, member);
        Seat {
            crowd: self.clone(),
            id,
            dismissed,
            _permit: permit,
        }
    }

    /// Dismisses whoever has kept the server waiting for longest, one for each that waits.
    fn dismiss(&self) {
        let mut seated = self.seated();
        if seated.leaving >= self.waiting.load(Ordering::Relaxed) {
            return;
        }
        let Patience { request, reading } = self.patience;
        let worst = seated
            .members
            .values_mut()
            .filter(|member| member.dismiss.is_some())
            .filter_map(|member| Some((member.activity.overdue(request, reading)?, member)))
            .max_by_key(|(overdue, _)| *overdue);
        let dismiss = worst.and_then(|(_, member)| member.dismiss.take());
        if let Some(dismiss) = dismiss {
            seated.leaving += 1;
            // An error is a client that leaves at this moment.
            let _ = dismiss.send(());
        }
    }
}

/// One that waits, for as long as this lives.
struct Waiting<'c>(&'c AtomicUsize);

impl<'c> Waiting<'c> {
    fn new(count: &'c AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A client's place; others can have it when this is dropped.
pub struct Seat {
    crowd: Arc<Crowd>,
    id: u64,
    dismissed: oneshot::Receiver<()>,
    _permit: OwnedSemaphorePermit,
}

impl Seat {
    /// Resolves when somebody else needs the seat more.
    pub async fn dismissed(&mut self) {
        // No error: the crowd has the sender until the seat is given up.
        let _ = (&mut self.dismissed).await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seated = self.crowd.seated();
        let left = seated.members.remove(&self.id);
        if left.is_some_and(|member| member.dismiss.is_none()) {
            seated.leaving -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{sleep, timeout};

    const GRACE: Duration = Duration::from_millis(50);

    fn crowd(seats: usize) -> Arc<Crowd> {
        let patience = Patience {
            request: GRACE,
            reading: GRACE,
        };
        Crowd::new(seats, patience)
    }

    #[tokio::test]
    async fn the_one_who_keeps_the_server_waiting_for_longest_makes_room() {
        let crowd = crowd(3);
        let clients = [Activity::new(), Activity::new(), Activity::new()];
        let _answers = clients.each_ref().map(Activity::answer);
        let slow = clients[1].blocked();
        sleep(GRACE).await;
        let _less_slow = clients[2].blocked();
        sleep(2 * GRACE).await;
        let mut seats: Vec<Seat> = Vec::new();
        for client in &clients {
            seats.push(crowd.try_enter(client).unwrap());
        }
        assert!(crowd.try_enter(&Activity::new()).is_none());
        let newcomer = tokio::spawn({
            let crowd = crowd.clone();
            async move { crowd.enter(&Activity::new()).await }
        });
        let second = Duration::from_secs(1);
        timeout(second, seats[1].dismissed()).await.unwrap();
        timeout(2 * GRACE, seats[2].dismissed()).await.unwrap_err();
        timeout(2 * GRACE, seats[0].dismissed()).await.unwrap_err();
        assert!(crowd.is_crowded());
        drop((seats.swap_remove(1), slow));
        let _seat = timeout(second, newcomer).await.unwrap().unwrap();
        assert!(!crowd.is_crowded());
    }

    #[tokio::test]
    async fn nobody_is_dismissed_whom_nobody_wants_to_replace_or_who_waits_for_the_server() {
        let crowd = crowd(1);
        let client = Activity::new();
        let mut seat = crowd.try_enter(&client).unwrap();
        timeout(3 * GRACE, seat.dismissed()).await.unwrap_err();
        let _answer = client.answer();
        let newcomer = Activity::new();
        let entering = crowd.enter(&newcomer);
        tokio::select! {
            _ = entering => panic!("there is one seat"),
            () = seat.dismissed() => panic!("the server is what takes its time"),
            () = sleep(3 * GRACE) => {}
        }
    }
}
