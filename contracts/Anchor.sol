// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Chains of settlement batches, one per account, network and node.
/// @notice What is recorded here shows that an account named a batch and its state root, in which order, and when.
/// It does not show that the root follows from the entries of the batch: the proof of that is over a curve no
/// EVM computes at sane cost, is not sent here, and is verified by whoever wants to know, off chain. It does not
/// show that `node` wished for it either: any account may name any node, in a chain of its own. Which account
/// speaks for a node is what that node signs elsewhere.
/// @dev There is no owner, no upgrade, no fee and no way to take anything back. It holds no value: no function
/// is payable. A chain is keyed by `msg.sender`, so nobody can append to, block or slow down another's.
/// It relies on `block.number` being the number of the block the log is in, which is not so on Arbitrum.
contract Anchor {
    /// @notice The end of a chain.
    /// @param batch The newest batch; zero where there is none.
    /// @param number Block that has its event.
    /// @param count How many batches the chain has.
    struct Head {
        bytes32 batch;
        uint64 number;
        uint64 count;
    }

    /// @notice A batch is the new end of the chain of (account, network, node).
    /// @param account Who sent it, and pays for it.
    /// @param node The node whose batches these are, as the account says.
    /// @param batch Name of the batch.
    /// @param network The mesh it is of.
    /// @param prev The batch before it; zero for the first.
    /// @param root State root after it, unproved here.
    /// @param entries How many entries it has, unproved here.
    /// @param count Its position in the chain, from 1.
    /// @param prevNumber Block that has the event of `prev`; zero for the first. Whoever reads a chain goes from
    /// the head back by this, without searching.
    event Anchored(
        address indexed account,
        bytes32 indexed node,
        bytes32 indexed batch,
        bytes32 network,
        bytes32 prev,
        bytes32 root,
        uint64 entries,
        uint64 count,
        uint64 prevNumber
    );

    /// @notice `prev` is not the end of the chain. Nothing was recorded.
    /// @param head What is.
    error StalePrev(bytes32 head);

    /// @notice The batch is zero, or the same as `prev`.
    error BadBatch();

    /// @dev By digest of account, network and node.
    mapping(bytes32 chain => Head) private heads;

    /// @notice Appends a batch to the sender's chain for a network and node.
    /// @param network The mesh.
    /// @param node Whose batch it is.
    /// @param prev The end of the chain so far; zero if it is empty.
    /// @param batch Name of the batch.
    /// @param root State root after the batch.
    /// @param entries How many entries the batch has.
    function anchor(bytes32 network, bytes32 node, bytes32 prev, bytes32 batch, bytes32 root, uint64 entries)
        external
    {
        Head storage head = heads[keccak256(abi.encode(msg.sender, network, node))];
        if (head.batch != prev) revert StalePrev(head.batch);
        if (batch == 0 || batch == prev) revert BadBatch();
        uint64 prevNumber = head.number;
        uint64 count = head.count + 1;
        head.batch = batch;
        head.number = uint64(block.number);
        head.count = count;
        emit Anchored(msg.sender, node, batch, network, prev, root, entries, count, prevNumber);
    }

    /// @notice The end of a chain.
    /// @param account Who sends its batches.
    /// @param network The mesh.
    /// @param node Whose batches these are.
    function headOf(address account, bytes32 network, bytes32 node) external view returns (Head memory) {
        return heads[keccak256(abi.encode(account, network, node))];
    }
}
