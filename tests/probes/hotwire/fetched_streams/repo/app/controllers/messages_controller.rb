class MessagesController < ApplicationController
  def create
    render turbo_stream: turbo_stream.append("messages", partial: "messages/message", locals: { message: @message })
  end
end
