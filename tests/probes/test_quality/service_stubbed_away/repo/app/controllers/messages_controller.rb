class MessagesController < ApplicationController
  def create
    @reply = Ask.call(params[:text])
  end
end
