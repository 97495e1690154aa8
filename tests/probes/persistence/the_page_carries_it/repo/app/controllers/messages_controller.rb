class MessagesController < ApplicationController
  def create
    @history = JSON.parse(params[:history])
  end
end
