"""Where decisions meet asyncio: calls, pumps, queues, pools."""
