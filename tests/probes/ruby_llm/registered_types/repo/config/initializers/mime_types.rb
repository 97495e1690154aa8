Mime::Type.register "text/vnd.turbo-stream.html", :turbo_stream
