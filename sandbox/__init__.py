"""The same program on a laptop: an emulated AWS, a stand-in for Kakao, and the site at http://localhost:3000."""
