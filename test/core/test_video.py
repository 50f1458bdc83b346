"""A written video is read back: its size, length and colours."""

import io

import numpy as np
import pytest

from muse_core.video import encode_gif, write_video

av = pytest.importorskip("av")


def test_a_video_reads_back_with_its_frames_and_colours(tmp_path):
    red = np.zeros((65, 96, 3), np.uint8)
    red[..., 0] = 200
    assert write_video(tmp_path / "film" / "red.mp4", [red] * 7, fps=10) == 7
    with av.open(str(tmp_path / "film" / "red.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.video[0].average_rate == 10
    assert len(frames) == 7
    assert frames[0].shape == (64, 96, 3)
    np.testing.assert_allclose(frames[3].mean((0, 1)), [200, 0, 0], atol=6)
    assert [file.name for file in (tmp_path / "film").iterdir()] == ["red.mp4"]


def test_no_frames_is_an_error_and_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="no frames"):
        write_video(tmp_path / "empty.mp4", [], fps=10)
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_size_is_named(tmp_path):
    frames = [np.zeros((64, 64, 3), np.uint8), np.zeros((32, 64, 3), np.uint8)]
    with pytest.raises(ValueError, match=r"frame 2: expected uint8 of shape \(64, 64, 3\), got uint8 of \(32, 64, 3\)"):
        write_video(tmp_path / "odd.mp4", frames, fps=10)
    assert list(tmp_path.iterdir()) == []


def test_an_animation_plays_its_frames():
    frames = [np.full((6, 8, 3), 80 * i, np.uint8) for i in range(3)]
    with av.open(io.BytesIO(encode_gif(frames, 10.0))) as container:
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert [int(frame.mean()) // 50 for frame in shown] == [0, 1, 3]
    assert shown[0].shape == (6, 8, 3)
