class MessagesController < ApplicationController
  def create
    @service = ChatService.new
    @reply = @service.ask(params[:content])
  end
end
