class MessagesController < ApplicationController
  def create
    turns = render_to_string(partial: "messages/turn", collection: @turns, formats: [:html])
    render body: helpers.stream("append", turns), content_type: "text/vnd.turbo-stream.html"
  end
end
