//! Tasks and what helpers answer, between real nodes.

use std::sync::{Arc, Mutex};

use nonos_mesh::{
    Cursor, FetchError, Object, Objects, Page, Part,
    core::segment::{Answer, Refused},
};
use nonos_types::{
    Amount, BackendId, ByteLen, Digest, JobId, NodeId, ProofDigest, SegmentDigest, SegmentResult,
    SegmentTask, SegmentTaskId, Signed, Slot, Timestamp, VkDigest,
};

use crate::{
    node::{Node, Setup, soon},
    sample::{NOW, key, network, node},
};

type Say = Box<dyn Fn(&Signed<SegmentTask>) -> Option<Answer> + Send + Sync>;

/// Says something to each task, and remembers them.
struct Helper {
    say: Say,
    asked: Mutex<Vec<(NodeId, SegmentTaskId)>>,
}

impl Objects for Helper {
    fn read(&self, _: &Object, _: ByteLen, _: ByteLen) -> Option<Part> {
        None
    }

    fn messages_after(&self, cursor: Cursor, _: usize) -> Page {
        Page {
            next: cursor,
            messages: vec![],
        }
    }

    fn segment(&self, from: NodeId, task: Signed<SegmentTask>) -> Option<Answer> {
        self.asked.lock().expect("not poisoned").push((from, task.task()));
        (self.say)(&task)
    }
}

/// A helper that says this, and an executor that is connected to it.
async fn nodes(
    say: impl Fn(&Signed<SegmentTask>) -> Option<Answer> + Send + Sync + 'static,
) -> (Arc<Helper>, Node, Node) {
    let helper = Arc::new(Helper {
        say: Box::new(say),
        asked: Mutex::default(),
    });
    let at_helper = Setup::new(1).start_with(Arc::clone(&helper) as _).await;
    let mut executor = Setup::dialling(2, &at_helper).start().await;
    executor.connected(at_helper.id).await;
    (helper, at_helper, executor)
}

fn task(signer: u8) -> Signed<SegmentTask> {
    let task = SegmentTask {
        network: network(),
        job: JobId::ZERO,
        slot: Slot::ZERO,
        helper: node(1),
        index: 0,
        of: 2,
        segment: SegmentDigest::ZERO,
        segment_len: ByteLen::new(1),
        steps: 1,
        backend: BackendId::new("b"),
        verifying_key: VkDigest::ZERO,
        fee: Amount::from_atto(1),
        deadline: Timestamp::MAX,
        at: NOW,
    };
    Signed::new(task, &key(signer))
}

fn result(task: SegmentTaskId, signer: u8) -> Answer {
    let result = SegmentResult {
        task,
        proof: ProofDigest::ZERO,
        proof_len: ByteLen::new(1),
        at: NOW,
    };
    Answer::Proved(Signed::new(result, &key(signer)))
}

#[tokio::test]
async fn a_task_comes_as_it_was_signed_and_so_does_the_answer() {
    for answer in [
        Answer::Accepted,
        Answer::Refused(Refused::Price),
        result(task(2).task(), 1),
    ] {
        let said = answer.clone();
        let (helper, at_helper, executor) = nodes(move |_| Some(said.clone())).await;
        let heard = soon("an answer", executor.mesh.segment(at_helper.id, &task(2))).await;
        assert_eq!(heard.expect("an answer"), answer);
        let asked = helper.asked.lock().expect("not poisoned").clone();
        assert_eq!(asked, [(executor.id, task(2).task())]);
    }
}

#[tokio::test]
async fn a_task_that_another_signed_does_not_reach_the_helper() {
    let (helper, at_helper, executor) = nodes(|_| Some(Answer::Accepted)).await;
    let heard = soon("an answer", executor.mesh.segment(at_helper.id, &task(3))).await;
    assert!(heard.is_err(), "{heard:?}");
    assert_eq!(*helper.asked.lock().expect("not poisoned"), []);
}

#[tokio::test]
async fn a_result_of_another_helper_or_task_is_no_answer() {
    let other = Digest::from_bytes([9; 32]);
    for answer in [result(task(2).task(), 3), result(other, 1)] {
        let (_, at_helper, executor) = nodes(move |_| Some(answer.clone())).await;
        let heard = soon("an answer", executor.mesh.segment(at_helper.id, &task(2))).await;
        assert!(matches!(heard, Err(FetchError::BadAnswer)), "{heard:?}");
    }
}

#[tokio::test]
async fn who_does_not_help_says_so() {
    let helper = Setup::new(1).start().await;
    let mut executor = Setup::dialling(2, &helper).start().await;
    executor.connected(helper.id).await;
    let heard = soon("an answer", executor.mesh.segment(helper.id, &task(2))).await;
    assert_eq!(heard.expect("an answer"), Answer::Refused(Refused::Role));
}
